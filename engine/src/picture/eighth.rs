//! Large JPEGs, at an eighth of their size.
//!
//! The first coefficient of each block of 8 × 8 pixels is their mean (ITU-T T.81, A.3.3), and the only one that is kept
//! here. So a photo of 200 million pixels takes some 20 MB of memory, and not a gigabyte.

mod bits;

use image::{DynamicImage, GrayImage, RgbImage};

use super::jpeg::{data_end, next_marker};
use bits::{Bits, Huffman};

/// The pixels of a block's side.
const BLOCK: usize = 8;

/// Decodes a JPEG at an eighth of its size: baseline and progressive, in grey or in three colours. Of a truncated one,
/// the rest is grey. `None` for others, and if its segments are damaged.
pub(super) fn decode(file: &[u8]) -> Option<DynamicImage> {
    let mut rest = file.strip_prefix(b"\xFF\xD8")?;
    let mut decoder = Decoder::default();
    while let Some((marker, after)) = next_marker(rest) {
        rest = after;
        match marker {
            // The end.
            0xD9 => break,
            // Markers without contents.
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let contents = rest.get(2..length)?;
        rest = rest.get(length..)?;
        match marker {
            0xC0..=0xC2 => decoder.begin(contents, marker == 0xC2)?,
            0xC4 => decoder.read_codes(contents)?,
            // Lossless, hierarchical, and arithmetic coding.
            0xC3 | 0xC5..=0xCF => return None,
            0xDB => decoder.read_factors(contents)?,
            0xDD => decoder.interval = usize::from(u16::from_be_bytes(*contents.first_chunk()?)),
            0xEE if contents.starts_with(b"Adobe") => decoder.is_rgb = contents.get(11) == Some(&0),
            0xDA => {
                let (data, behind) = rest.split_at(data_end(rest));
                decoder.read_scan(contents, data)?;
                rest = behind;
            }
            _ => {}
        }
    }
    decoder.picture()
}

/// The tables that were read so far, and the picture.
#[derive(Default)]
struct Decoder {
    frame: Option<Frame>,
    /// What the means are multiplied with, of each table.
    factors: [i32; 4],
    /// The codes of means, and of the other coefficients.
    codes: [[Option<Huffman>; 4]; 2],
    /// The number of units between restarts; 0 for none.
    interval: usize,
    /// The three components are red, green and blue.
    is_rgb: bool,
}

/// The size of a picture, and its components.
struct Frame {
    width: usize,
    height: usize,
    is_progressive: bool,
    /// The largest numbers of blocks that a component has in a unit.
    most_across: usize,
    most_down: usize,
    components: Vec<Component>,
}

/// One component, such as the brightness.
struct Component {
    id: u8,
    /// The numbers of its blocks in a unit.
    across: usize,
    down: usize,
    /// Its table of factors, and its factor since its first scan.
    table: usize,
    factor: Option<i32>,
    /// The means of its blocks, in rows of this many.
    columns: usize,
    means: Vec<i16>,
}

impl Frame {
    /// Returns the numbers of units.
    fn units(&self) -> (usize, usize) {
        (self.width.div_ceil(BLOCK * self.most_across), self.height.div_ceil(BLOCK * self.most_down))
    }

    /// Returns the numbers of a component's blocks, without those that fill up its last units.
    fn blocks(&self, component: &Component) -> (usize, usize) {
        let across = (self.width * component.across).div_ceil(self.most_across);
        let down = (self.height * component.down).div_ceil(self.most_down);
        (across.div_ceil(BLOCK), down.div_ceil(BLOCK))
    }
}

/// A component in a scan.
struct Part<'a> {
    /// Its position in the frame.
    component: usize,
    /// The codes of means; none in a scan that refines them.
    means: Option<&'a Huffman>,
    /// The codes of the other coefficients.
    others: Option<&'a Huffman>,
    /// The mean of the block before.
    previous: i32,
}

impl Decoder {
    fn begin(&mut self, contents: &[u8], is_progressive: bool) -> Option<()> {
        let ([precision, size @ .., count], listed) = contents.split_first_chunk::<6>()?;
        let [high, low, wide, narrow] = *size;
        let (height, width) = (u16::from_be_bytes([high, low]), u16::from_be_bytes([wide, narrow]));
        let is_read = *precision == 8 && matches!(count, 1 | 3) && width > 0 && height > 0;
        if !is_read || self.frame.is_some() || listed.len() != 3 * usize::from(*count) {
            return None;
        }
        let mut components = Vec::new();
        for listed in listed.chunks_exact(3) {
            let &[id, blocks, table] = listed else { return None };
            let (across, down) = (usize::from(blocks >> 4), usize::from(blocks & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return None;
            }
            let table = usize::from(table);
            components.push(Component {
                id,
                across,
                down,
                table,
                factor: None,
                columns: 0,
                means: Vec::new(),
            });
        }
        let (width, height) = (usize::from(width), usize::from(height));
        let most_across = components.iter().map(|component| component.across).max()?;
        let most_down = components.iter().map(|component| component.down).max()?;
        let mut frame = Frame { width, height, is_progressive, most_across, most_down, components };
        let (across, down) = frame.units();
        for component in &mut frame.components {
            component.columns = across * component.across;
            component.means = vec![0; component.columns * down * component.down];
        }
        self.frame = Some(frame);
        Some(())
    }

    fn read_codes(&mut self, mut contents: &[u8]) -> Option<()> {
        while let Some((place, rest)) = contents.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let count = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, rest) = rest.split_at_checked(count)?;
            let tables = self.codes.get_mut(usize::from(place >> 4))?;
            *tables.get_mut(usize::from(place & 15))? = Some(Huffman::new(counts, symbols));
            contents = rest;
        }
        Some(())
    }

    /// Reads the first value of each table.
    fn read_factors(&mut self, mut contents: &[u8]) -> Option<()> {
        while let Some((place, rest)) = contents.split_first() {
            let (factor, size) = match place >> 4 {
                0 => (i32::from(*rest.first()?), BLOCK * BLOCK),
                _ => (i32::from(u16::from_be_bytes(*rest.first_chunk()?)), 2 * BLOCK * BLOCK),
            };
            *self.factors.get_mut(usize::from(place & 15))? = factor;
            contents = rest.get(size..)?;
        }
        Some(())
    }

    fn read_scan(&mut self, contents: &[u8], data: &[u8]) -> Option<()> {
        let Self { frame, factors, codes: [of_means, of_others], interval, .. } = self;
        let frame = frame.as_mut()?;
        let (count, rest) = contents.split_first()?;
        let (listed, rest) = rest.split_at_checked(2 * usize::from(*count))?;
        let [first, _, bits] = *rest.first_chunk()?;
        if frame.is_progressive && first > 0 {
            // Of other coefficients only.
            return Some(());
        }
        // Progressive scans have a bit for each mean, or leave some bits to later scans.
        let step = if frame.is_progressive {
            Step { refines: bits >> 4 > 0, low: u32::from(bits & 15), is_alone: true }
        } else {
            Step { refines: false, low: 0, is_alone: false }
        };
        let mut parts = Vec::new();
        for listed in listed.chunks_exact(2) {
            let &[id, tables] = listed else { return None };
            let component = frame.components.iter().position(|component| component.id == id)?;
            let of_component = frame.components.get_mut(component)?;
            of_component.factor.get_or_insert(*factors.get(of_component.table)?);
            let means = of_means.get(usize::from(tables >> 4))?.as_ref();
            let others = of_others.get(usize::from(tables & 15))?.as_ref();
            parts.push(Part { component, means, others, previous: 0 });
        }
        // What follows damage is left as it is.
        _ = decode_units(frame, &mut parts, step, *interval, data);
        Some(())
    }

    /// Returns the picture, if all of its components were in a scan.
    fn picture(self) -> Option<DynamicImage> {
        let Frame { width, height, most_across, most_down, components, .. } = self.frame?;
        let is_rgb = self.is_rgb || components.iter().map(|component| component.id).eq(*b"RGB");
        let value = |component: &Component, x: usize, y: usize| {
            let (column, row) = (x * component.across / most_across, y * component.down / most_down);
            let mean = component.means.get(row * component.columns + column)?;
            Some((i32::from(*mean) * component.factor? / 8 + 128).clamp(0, 255))
        };
        let (width, height) = (width.div_ceil(BLOCK), height.div_ceil(BLOCK));
        let mut pixels = Vec::with_capacity(width * height * components.len());
        for y in 0..height {
            for x in 0..width {
                match components.as_slice() {
                    [grey] => pixels.push(byte(value(grey, x, y)?)),
                    [first, second, third] => {
                        let all = [value(first, x, y)?, value(second, x, y)?, value(third, x, y)?];
                        pixels.extend(if is_rgb { all.map(byte) } else { rgb(all) });
                    }
                    _ => return None,
                }
            }
        }
        let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        match components.len() {
            1 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8),
            _ => RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
        }
    }
}

/// How a scan adds to the means.
#[derive(Clone, Copy)]
struct Step {
    /// It adds one bit to each.
    refines: bool,
    /// The number of bits that later scans add.
    low: u32,
    /// The other coefficients have scans of their own.
    is_alone: bool,
}

/// Decodes the units of a scan; `None` if its data is damaged or ends early.
fn decode_units(
    frame: &mut Frame,
    parts: &mut [Part<'_>],
    step: Step,
    interval: usize,
    data: &[u8],
) -> Option<()> {
    let alone = match &*parts {
        [part] => Some(frame.blocks(frame.components.get(part.component)?)),
        _ => None,
    };
    // A component that is alone has one block in each unit.
    let (across, down) = alone.unwrap_or_else(|| frame.units());
    let mut bits = Bits::new(data);
    for unit in 0..across * down {
        if interval > 0 && unit > 0 && unit % interval == 0 {
            bits.restart()?;
            parts.iter_mut().for_each(|part| part.previous = 0);
        }
        for part in &mut *parts {
            let component = frame.components.get_mut(part.component)?;
            let (wide, high) = if alone.is_some() { (1, 1) } else { (component.across, component.down) };
            for block in 0..wide * high {
                let column = unit % across * wide + block % wide;
                let row = unit / across * high + block / wide;
                decode_block(
                    &mut bits,
                    part,
                    step,
                    component.means.get_mut(row * component.columns + column)?,
                )?;
            }
        }
    }
    Some(())
}

fn decode_block(bits: &mut Bits<'_>, part: &mut Part<'_>, step: Step, mean: &mut i16) -> Option<()> {
    if step.refines {
        *mean |= i16::try_from(bits.take(1)?).ok()?.checked_shl(step.low)?;
        return Some(());
    }
    let size = part.means?.read(bits)?;
    part.previous = part.previous.checked_add(bits.signed(size)?)?;
    *mean = i16::try_from(part.previous.checked_shl(step.low)?).ok()?;
    if step.is_alone {
        return Some(());
    }
    let (others, mut position) = (part.others?, 1);
    while position < BLOCK * BLOCK {
        // Zeros before it, and its size.
        let symbol = others.read(bits)?;
        match (symbol >> 4, symbol & 15) {
            (15, 0) => position += 16,
            (_, 0) => break,
            (zeros, size) => {
                bits.take(size)?;
                position += usize::from(zeros) + 1;
            }
        }
    }
    Some(())
}

/// Converts brightness and the two differences of colour (JFIF 1.02).
fn rgb([brightness, blue, red]: [i32; 3]) -> [u8; 3] {
    let (blue, red) = (blue - 128, red - 128);
    // In 65,536ths.
    [91_881 * red, -22_554 * blue - 46_802 * red, 116_130 * blue]
        .map(|difference| byte(brightness + ((difference + 32_768) >> 16)))
}

fn byte(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
