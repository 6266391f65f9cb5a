//! Pages of one kind, of which one is open at a time.

use std::io::{Seek, Write};

use super::ViewError;
use super::pages::{Frame, Page};
use super::spool::Spool;

/// The size in bytes at which a page is full, even with few records.
const PAGE_BYTES: usize = 512 * 1024;

/// The kinds of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Own posts with others' comments.
    Posts,
    /// People.
    Contacts,
    /// Own comments.
    Comments,
    /// Own likes.
    Likes,
    /// Private conversations.
    Conversations,
    /// Photos outside posts.
    Photos,
    /// Omissions.
    Omissions,
}

impl Section {
    fn records_per_page(self) -> usize {
        match self {
            Self::Posts | Self::Conversations => 50,
            Self::Contacts | Self::Likes => 500,
            Self::Comments => 100,
            Self::Photos => 60,
            Self::Omissions => 200,
        }
    }

    fn is_full(self, records: usize, bytes: usize) -> bool {
        records >= self.records_per_page() || bytes >= PAGE_BYTES
    }

    /// Returns the page of each record, from the rendered lengths in bytes.
    pub(super) fn page_numbers(self, lengths: impl Iterator<Item = usize>) -> impl Iterator<Item = u32> {
        let (mut page, mut records, mut bytes) = (1, 0, 0);
        lengths.map(move |length| {
            if self.is_full(records, bytes) {
                (page, records, bytes) = (page + 1, 0, 0);
            }
            records += 1;
            bytes += length;
            page
        })
    }

    /// Returns the key of the title.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Posts => "view-posts",
            Self::Contacts => "view-contacts",
            Self::Comments => "view-comments",
            Self::Likes => "view-likes",
            Self::Conversations => "view-conversations",
            Self::Photos => "view-photos",
            Self::Omissions => "view-omissions",
        }
    }

    /// Returns the path of a page in the archive.
    pub(super) fn path(self, page: u32) -> String {
        format!("view/{}", self.file_name(page))
    }

    /// Returns the file name of a page.
    pub(super) fn file_name(self, page: u32) -> String {
        let stem = match self {
            Self::Posts => "posts",
            Self::Contacts => "contacts",
            Self::Comments => "comments",
            Self::Likes => "likes",
            Self::Conversations => "conversations",
            Self::Photos => "photos",
            Self::Omissions => "omissions",
        };
        match self {
            Self::Contacts | Self::Omissions if page == 1 => format!("{stem}.html"),
            _ => format!("{stem}-{page}.html"),
        }
    }
}

/// The pages of one kind. Only the open page is in memory.
pub(super) struct Chapter {
    section: Section,
    page: u32,
    records: usize,
    /// The rendered bytes of the records before their marks were resolved; page numbers are planned with these.
    bytes: usize,
    body: String,
}

impl Chapter {
    pub(super) fn new(section: Section) -> Self {
        Self { section, page: 1, records: 0, bytes: 0, body: String::new() }
    }

    /// Returns the number of the open page.
    pub(super) fn page(&self) -> u32 {
        self.page
    }

    /// Returns whether the open page is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Writes the open page if it is full, to make space for another record.
    pub(super) fn start_page_if_full<W: Write + Seek>(
        &mut self,
        spool: &mut Spool<W>,
        frame: &Frame,
    ) -> Result<(), ViewError> {
        if self.section.is_full(self.records, self.bytes) {
            self.write_out(spool, frame, true)?;
            self.page += 1;
            self.records = 0;
            self.bytes = 0;
            self.body.clear();
        }
        Ok(())
    }

    /// Adds a record that is already rendered to the open page. It had `rendered` bytes before its marks were resolved.
    pub(super) fn add_text(&mut self, text: &str, rendered: usize) {
        self.records += 1;
        self.bytes += rendered;
        self.body.push_str(text);
    }

    /// Adds a heading above the next record.
    pub(super) fn add_heading(&mut self, heading: &str) {
        self.body.push_str(heading);
    }

    /// Writes the last page, unless there are no records: nothing links to an empty page.
    pub(super) fn finish<W: Write + Seek>(
        self,
        spool: &mut Spool<W>,
        frame: &Frame,
    ) -> Result<(), ViewError> {
        if self.is_empty() { Ok(()) } else { self.write_out(spool, frame, false) }
    }

    fn write_out<W: Write + Seek>(
        &self,
        spool: &mut Spool<W>,
        frame: &Frame,
        has_next: bool,
    ) -> Result<(), ViewError> {
        let page = Page {
            frame,
            root: "../",
            section: Some(self.section),
            number: self.page,
            previous: (self.page > 1).then(|| self.section.file_name(self.page - 1)),
            next: has_next.then(|| self.section.file_name(self.page + 1)),
            body: &self.body,
        };
        spool.page(&self.section.path(self.page), &page)
    }
}
