//! The `Link` header, by which a Hub tells where a list goes on (RFC 8288).

use reqwest::header::{HeaderMap, LINK};
use url::Url;

/// The address with `rel="next"`, relative ones resolved against the page's own.
pub(super) fn next(headers: &HeaderMap, page: &Url) -> Option<Url> {
    let mut links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).flat_map(split);
    links.find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| page.join(target).ok())?
    })
}

/// The links of one header: separated by commas, of which an address may hold some too.
fn split(header: &str) -> Vec<&str> {
    let starts: Vec<usize> = header.match_indices('<').map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([header.len()]);
    starts.iter().zip(ends).map(|(&start, end)| header[start..end].trim_end_matches([',', ' '])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn next_of(header: &'static str) -> Option<String> {
        let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(header))]);
        next(&headers, &Url::parse("https://hub.test/api/models?limit=2").unwrap()).map(String::from)
    }

    #[test]
    fn the_next_page_is_found() {
        let wanted = Some("https://hub.test/api/models?cursor=a%3D,b".to_owned());
        assert_eq!(next_of("<https://hub.test/api/models?cursor=a%3D,b>; rel=\"next\""), wanted);
        assert_eq!(next_of("</api/models?cursor=a%3D,b>; rel=next"), wanted);
        assert_eq!(next_of("</first>; rel=\"prev\", </api/models?cursor=a%3D,b>; title=\"x\"; rel=\"next\""), wanted);
    }

    #[test]
    fn other_links_and_nonsense_are_not_followed() {
        for header in ["</x>; rel=\"xet-auth\"", "rel=\"next\"", "<", "", "<http://[>; rel=\"next\"", ">x<; rel=next"] {
            assert_eq!(next_of(header), None, "{header}");
        }
    }
}
