//! The pages of each kind, assembled from its records.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{Seek, Write};

use super::ViewError;
use super::chapter::{Chapter, Section};
use super::drafts::Drafts;
use super::marks::Resolver;
use super::pages::{Frame, MonthRow, YearRow};
use super::spool::Spool;

/// The posts of a year.
pub(super) struct Year {
    /// The page of the first.
    page: u32,
    posts: u64,
    /// The page of the first of each month, by its number.
    months: BTreeMap<u32, u32>,
}

/// Assembles pages from rendered records.
pub(super) struct PageAssembler<'a, W: Write + Seek> {
    pub(super) spool: &'a mut Spool<W>,
    pub(super) frame: &'a Frame,
    pub(super) resolver: Resolver<'a>,
}

impl<W: Write + Seek> PageAssembler<'_, W> {
    /// Writes the posts, with a heading above the first of a year and of a page. Returns the years and the last
    /// page's number.
    pub(super) fn posts(&mut self, drafts: &Drafts) -> Result<(BTreeMap<i32, Year>, u32), ViewError> {
        let mut years: BTreeMap<i32, Year> = BTreeMap::new();
        let (mut last_year, mut chapter) = (None, Chapter::new(Section::Posts));
        drafts.read(&self.resolver, |(year, month), text, rendered| {
            chapter.start_page_if_full(self.spool, self.frame)?;
            let (has_heading, page) = (years.contains_key(&year), chapter.page());
            let posts = years.entry(year).or_insert_with(|| Year { page, posts: 0, months: BTreeMap::new() });
            posts.posts += 1;
            if chapter.is_empty() || last_year != Some(year) {
                // The first page links to the year's first heading.
                let id = if has_heading { String::new() } else { format!(" id=\"y{year}\"") };
                chapter.add_heading(&format!("<h2 class=\"year\"{id}>{year}</h2>\n"));
            }
            last_year = Some(year);
            if let Entry::Vacant(first) = posts.months.entry(month) {
                first.insert(page);
                chapter.add_heading(&format!("<span id=\"y{year}-{month}\"></span>\n"));
            }
            chapter.add_text(text, rendered);
            Ok(())
        })?;
        let last = chapter.page();
        chapter.finish(self.spool, self.frame)?;
        Ok((years, last))
    }

    /// Writes the records of a kind, with `end` after the last, if it is not empty.
    pub(super) fn chapter(&mut self, section: Section, drafts: &Drafts, end: &str) -> Result<(), ViewError> {
        let mut chapter = Chapter::new(section);
        drafts.read(&self.resolver, |_, text, rendered| {
            chapter.start_page_if_full(self.spool, self.frame)?;
            chapter.add_text(text, rendered);
            Ok(())
        })?;
        if !end.is_empty() {
            chapter.add_text(end, end.len());
        }
        chapter.finish(self.spool, self.frame)
    }
}

/// Returns a year with links to its posts, and to those of each month if there are several.
pub(super) fn year_row<'a>(frame: &'a Frame, year: i32, posts: &Year) -> YearRow<'a> {
    let path = |page: u32| Section::Posts.path(page);
    let months = posts.months.iter().filter(|_| posts.months.len() > 1);
    let months = months.map(|(month, page)| MonthRow {
        name: frame.words.month(*month),
        link: format!("{}#y{year}-{month}", path(*page)),
    });
    YearRow {
        year,
        posts: frame.words.number(posts.posts),
        noun: frame.words.counted("view-year-posts", posts.posts),
        link: format!("{}#y{year}", path(posts.page)),
        months: months.collect(),
    }
}
