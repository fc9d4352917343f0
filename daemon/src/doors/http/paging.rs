//! Lists in pages, as seed 004 has them: `data` and `pagination`.

use serde::Deserialize;
use wharf_protocol::{Page, Pagination};

/// Entries of a page unless the request says otherwise, and at most.
pub(super) const PAGE_SIZE: (u64, u64) = (50, 1000);

/// Which part of a list.
#[derive(Deserialize)]
pub(super) struct PageQuery {
    page: Option<u64>,
    page_size: Option<u64>,
}

/// Which part of a list of things that belong to sources.
#[derive(Deserialize)]
pub(super) struct SourcePageQuery {
    pub(super) source: Option<String>,
    page: Option<u64>,
    page_size: Option<u64>,
}

impl PageQuery {
    /// Whether a page was asked for at all.
    pub(super) fn is_asked(&self) -> bool {
        self.page.is_some() || self.page_size.is_some()
    }

    /// The part that is asked for, and where it stands.
    pub(super) fn part<T>(&self, all: Vec<T>) -> Page<T> {
        part(all, self.page, self.page_size)
    }
}

impl SourcePageQuery {
    /// The part that is asked for, and where it stands.
    pub(super) fn part<T>(&self, all: Vec<T>) -> Page<T> {
        part(all, self.page, self.page_size)
    }
}

/// Page and page size within their bounds.
pub(super) fn bounded(page: Option<u64>, page_size: Option<u64>) -> (u64, u64) {
    (page.unwrap_or(1).max(1), page_size.unwrap_or(PAGE_SIZE.0).clamp(1, PAGE_SIZE.1))
}

/// Where a page of this size stands among `total` entries.
pub(super) fn pagination(total: u64, page: u64, page_size: u64) -> Pagination {
    Pagination { total, page, page_size, total_pages: total.div_ceil(page_size) }
}

fn part<T>(all: Vec<T>, page: Option<u64>, page_size: Option<u64>) -> Page<T> {
    let (page, page_size) = bounded(page, page_size);
    let total = all.len() as u64;
    let skipped = usize::try_from((page - 1).saturating_mul(page_size)).unwrap_or(usize::MAX);
    let taken = usize::try_from(page_size).unwrap_or(usize::MAX);
    let data = all.into_iter().skip(skipped).take(taken).collect();
    Page { data, pagination: pagination(total, page, page_size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_once_and_no_page_is_too_large_or_none() {
        let all: Vec<u32> = (0..105).collect();
        let mut seen = Vec::new();
        for page in 1..=3 {
            let part = part(all.clone(), Some(page), None);
            assert_eq!((part.pagination.total, part.pagination.total_pages), (105, 3));
            seen.extend(part.data);
        }
        assert_eq!(seen, all);
        assert!(part(all.clone(), Some(4), None).data.is_empty());
        assert!(part(all.clone(), Some(u64::MAX), Some(u64::MAX)).data.is_empty());
        assert_eq!(part(all.clone(), Some(0), Some(0)).data, [0]);
        assert_eq!(part((0..5000).collect::<Vec<_>>(), None, Some(1_000_000_000)).data.len(), 1000);
        assert_eq!(part(Vec::<u32>::new(), None, None).pagination.total_pages, 0);
    }
}
