//! `pappus convert`.

use pappus_engine::archive::convert::convert_in;

use super::{Outcome, counted, make_work_dir};
use crate::archive;
use crate::arguments::{Convert, Target};
use crate::error::Failure;
use crate::output::Output;
use crate::passphrase;

pub(crate) fn run(arguments: &Convert, output: &Output) -> Result<Outcome, Failure> {
    let Target::Diaspora = arguments.to;
    let passphrase = passphrase::read_if(arguments.key_passphrase.source().as_ref(), "the private key")?;
    let mut opened = archive::open(&arguments.archive, output)?;
    let work = make_work_dir(&arguments.out)?;
    let passphrase = passphrase.as_ref().map(|text| text.as_str());
    let converted = convert_in(&mut opened, &arguments.out, &work, passphrase).map_err(|error| {
        let code = error.code();
        Failure::new("nothing was converted", error).with_code(code)
    })?;
    output.line(format!("{}", converted.document.display()));
    output.line(format!("{}, {}", converted.photos.display(), counted(converted.photo_count, "photo")));
    output.line(
        "Upload both on the settings page of the new pod, or pass them to its task accounts:migration.",
    );
    output.line("The first contains the private key unencrypted: do not share it.");
    output.document(&serde_json::json!({
        "document": converted.document,
        "photos": converted.photos,
        "photo_count": converted.photo_count,
        "key_decrypted": converted.key_decrypted,
    }));
    Ok(Outcome::Done)
}
