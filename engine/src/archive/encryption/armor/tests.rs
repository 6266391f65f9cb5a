use std::io::Cursor;

use base64::engine::general_purpose::STANDARD;

use super::*;

const BEGIN_LINE: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END_LINE: &str = "-----END AGE ENCRYPTED FILE-----";

fn armor(bytes: &[u8], line_end: &str) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = format!("{BEGIN_LINE}{line_end}");
    for line in text.as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).unwrap());
        out.push_str(line_end);
    }
    out + END_LINE + line_end
}

fn wide(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

#[test]
fn every_byte_is_readable_from_every_position() {
    for length in [0, 1, 2, 47, 48, 49, 95, 96, 97, 3000, 120_000] {
        let bytes: Vec<u8> = (0..length).map(|number: u32| (number % 251) as u8).collect();
        for line_end in ["\n", "\r\n"] {
            let text = armor(&bytes, line_end);
            let indented = format!("\n  {text}\n\n");
            let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            let quoted = |mark: &str| {
                let lines: Vec<String> = text.lines().map(|line| format!("{mark}{line}")).collect();
                format!(
                    "Hello,{line_end}here it is:{line_end}{}{line_end}-- {line_end}Ann",
                    lines.join(line_end)
                )
            };
            let forms = [
                text.as_bytes().to_vec(),
                indented.into_bytes(),
                marked,
                wide(&text),
                quoted("").into_bytes(),
                quoted("> ").into_bytes(),
                quoted("\t").into_bytes(),
                wide(&quoted(">> ")),
                [text.as_bytes(), &[0; 512]].concat(),
            ];
            for form in forms {
                assert!(is_armored(&form[..form.len().min(512)]));
                let mut reader = ArmorReader::new(Cursor::new(form)).unwrap();
                let mut decoded = Vec::new();
                reader.read_to_end(&mut decoded).unwrap();
                assert!(decoded == bytes, "{length}");
                assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), u64::from(length));
                for at in [0, 1, 48, length / 2, length.saturating_sub(1), 50_000] {
                    let at = at.min(length) as usize;
                    reader.seek(SeekFrom::Start(at as u64)).unwrap();
                    let mut rest = Vec::new();
                    reader.read_to_end(&mut rest).unwrap();
                    assert!(rest == bytes[at..], "{length} from {at}");
                }
            }
        }
    }
}

/// Returns the armored bytes in all forms that mail programs produce.
fn mailed(bytes: &[u8]) -> Vec<Vec<u8>> {
    let text = armor(bytes, "\n");
    let lines = |change: &dyn Fn(usize, &str) -> String| {
        text.lines().enumerate().map(|(number, line)| change(number, line)).collect::<String>()
    };
    let data: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let wrapped = |width: usize| {
        let lines = data.as_bytes().chunks(width).map(|line| String::from_utf8(line.to_vec()).unwrap());
        let lines: Vec<String> = lines.collect();
        format!("> {BEGIN_LINE}\n> {}\n> {END_LINE}", lines.join("\n> "))
    };
    let spaces = text.replace(' ', "\u{a0}");
    let no_break = lines(&|_, line| format!("\u{a0}{line}\u{a0}\n"));
    let mut forms: Vec<String> = vec![
        // White space after lines, between lines, and of different kinds.
        lines(&|_, line| format!("{line}  \r\n")),
        lines(&|_, line| format!("{line}\n\n")),
        lines(&|number, line| format!("{line}{}", if number % 2 == 0 { "\n" } else { "\r\n" })),
        // Indented and quoted differently on each line.
        lines(&|number, line| format!("{}{line}\n", " ".repeat(number % 5))),
        lines(&|number, line| format!("{}{line}\n", [">", "> ", ">> ", "> > ", "| "][number % 5])),
        // Quoted by a program that wraps afterwards: the second parts of lines have no quotation mark.
        lines(&|_, line| {
            let (first, second) = line.split_at(line.len().min(60));
            format!("> {first}\n{second}\n")
        }),
        format!("On Monday Ann wrote:\n> Hello,\n{}\n-- \nBob\n", wrapped(76)),
        format!("{}\n{}", text.trim_end(), "-- \nAnn\n".repeat(5000)),
        text.replacen("BEGIN AGE ", "BEGIN AGE\n", 1).replacen(
            "ENCRYPTED FILE-----\n",
            "ENCRYPTED FILE----- ",
            1,
        ),
        text.trim_end().to_owned(),
        spaces,
        no_break,
    ];
    forms.extend([1, 7, 48, 65, 72, 998, 1_000_000].map(wrapped));
    let wide: Vec<Vec<u8>> = forms.iter().map(|form| wide(form)).collect();
    // No-break spaces in Latin-1.
    let latin: Vec<u8> = text.replace(' ', "\u{a0}").chars().map(|c| u8::try_from(c).unwrap()).collect();
    forms.into_iter().map(String::into_bytes).chain(wide).chain([latin]).collect()
}

#[test]
fn lines_changed_by_mail_programs_are_readable() {
    for length in [0, 1, 2, 3, 200, 49_151, 49_152, 49_153, 150_000] {
        let bytes: Vec<u8> = (0..length).map(|number: u32| (number % 251) as u8).collect();
        for (number, form) in mailed(&bytes).into_iter().enumerate() {
            assert!(is_armored(&form[..form.len().min(512)]), "{number}");
            let mut reader = ArmorReader::new(Cursor::new(form)).unwrap();
            let mut decoded = Vec::new();
            reader.read_to_end(&mut decoded).unwrap();
            assert!(decoded == bytes, "{length} in form {number}");
            let half = length / 2;
            reader.seek(SeekFrom::Start(half.into())).unwrap();
            decoded.clear();
            reader.read_to_end(&mut decoded).unwrap();
            assert!(decoded == bytes[half as usize..], "{length} in form {number}");
        }
    }
}

#[test]
fn errors_of_damaged_armor_contain_advice() {
    let complete = armor(&[7; 500], "\n");
    let cut = &complete[..complete.len() / 2];
    let no_padding = complete.replace('=', "");
    let shorter = complete.replacen("BwcH", "BwH", 1);
    let other = complete.replacen("BwcH", "B?cH", 1);
    let inserted = complete.replacen("BwcH", "Bw=cH", 1);
    let printable = complete.replace('=', "=3D");
    let dashes = complete.replacen("BwcH", "-- \nAnn", 1);
    let blank = format!("{BEGIN_LINE}\n{}", " ".repeat(300_000));
    assert!(complete.contains('='));
    for text in [
        cut,
        &no_padding,
        &shorter,
        &other,
        &inserted,
        &printable,
        &dashes,
        &blank,
        BEGIN_LINE,
        &format!("{BEGIN_LINE}\n"),
    ] {
        let read = ArmorReader::new(Cursor::new(text.as_bytes().to_vec()))
            .and_then(|mut reader| reader.read_to_end(&mut Vec::new()));
        let error = read.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let message = error.to_string();
        assert!(message.contains("armor") && message.contains("as an attachment"), "{message}");
    }
    assert!(!is_armored(b"age-encryption.org/v1\n"));
    // Other files that contain armor.
    assert!(!is_armored(format!("PK\u{3}\u{4}\n{complete}").as_bytes()));
    assert!(!is_armored(format!("{{\"text\": \"{complete}").as_bytes()));
}
