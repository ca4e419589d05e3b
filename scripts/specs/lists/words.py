"""The names that published APIs give to the parts of a list, in one spelling: `PageSize` is `page_size`. Pure."""

import re

NUMBER = frozenset({"current_page", "page", "page_index", "page_no", "page_num", "page_number", "pageno", "pagenumber"})
OFFSET = frozenset(
    {
        "begin_index", "first_result", "from", "offset", "page_offset", "pagination_offset", "paging_offset",
        "result_offset", "row_offset", "skip", "start", "start_at", "start_index", "start_position", "start_record",
        "start_row", "startat",
    }
)  # fmt: skip
SIZE = frozenset(
    {
        "batch_size", "count", "first", "items_per_page", "length", "limit", "limit_per_page", "max", "max_entries",
        "max_items", "max_page_size", "max_records", "max_results", "maxresults", "num", "num_results",
        "number_of_results", "page_count", "page_length", "page_limit", "page_size", "pagesize", "pagination_limit",
        "pagination_page_size", "pagination_size", "paging_limit", "per_page", "perpage", "records_per_page",
        "result_limit", "results_per_page", "rows", "size", "take", "top",
    }
)  # fmt: skip
CURSOR = frozenset(
    {
        "after", "after_cursor", "after_id", "bookmark", "continuation", "continuation_token", "cursor", "cursor_mark",
        "ending_cursor", "exclusive_start_key", "from_id", "iterator", "last_evaluated_key", "last_id", "last_key",
        "marker", "min_id", "next", "next_cursor", "next_key", "next_marker", "next_page", "next_page_token",
        "next_page_id", "next_start_id", "next_token", "page_after", "page_cursor", "page_id", "page_key", "page_token",
        "pagination_after", "pagination_cursor", "pagination_key", "pagination_token", "paging_after", "paging_cursor",
        "paging_token", "position", "scroll_id", "since_id", "start_after", "start_after_id", "start_cursor",
        "start_id", "start_key", "start_record_id", "starting_after", "starting_after_id", "starting_token",
        "stream_position", "token",
    }
)  # fmt: skip
#: Parameters that name the last row that was seen, where the answer names no next one.
LAST_ID = frozenset(
    {"after", "after_id", "from_id", "last_id", "page_after", "since_id", "start_after", "start_after_id",
     "starting_after", "starting_after_id", "starting_id", "min_id"}
)  # fmt: skip
#: Parameters that page backwards, or elsewhere: never a condition on rows.
OTHER_PAGING = frozenset(
    {
        "before", "before_id", "direction_of_paging", "end_cursor", "ending_before", "include_count", "include_total",
        "include_total_count", "include_totals", "max_id", "page_before", "paginate", "pagination", "pagination_before",
        "previous", "previous_cursor", "use_cursor", "usemarker", "with_count", "with_total", "with_total_count",
    }
)  # fmt: skip
NEXT = (
    "next_cursor", "next_page_token", "next_token", "next_page_cursor", "next_marker", "next_page_key", "next_key",
    "next_position", "next_iterator", "next_bookmark", "next_starting_after", "next_after", "next_offset",
    "next_continuation_token", "next_page_id", "next_id", "end_cursor", "cursor_next", "cursor_after", "cursors_after",
    "after_cursor", "next", "after", "next_page", "continuation_token", "pagination_token", "page_token", "iterator",
    "bookmark", "scroll_id", "last_evaluated_key", "marker", "cursor", "token", "starting_after", "last_key", "last_id",
)  # fmt: skip
NEXT_URL = ("next", "next_page_url", "next_page_uri", "next_url", "next_uri", "next_link", "next_page_link",
            "next_href",
            "next_page", "next_page_href", "odata_next_link")  # fmt: skip
INSIDE_NEXT = ("href", "url", "uri", "link", "cursor", "after", "starting_after", "token", "offset", "page_token")
TOTAL = frozenset(
    {
        "count_total", "item_count", "nb_hits", "num_found", "num_results", "number_of_results", "record_count",
        "result_count", "results_total", "total", "total_count", "total_elements", "total_entries", "total_hits",
        "total_items", "total_number", "total_number_of_results", "total_objects", "total_records",
        "total_result_count",
        "total_results", "total_rows", "total_size", "totalcount", "totalitems", "totalresults",
    }
)  # fmt: skip
MAYBE_TOTAL = frozenset({"count", "size", "item_count", "record_count", "result_count"})  # of all, or of this page
MORE = frozenset(
    {"has_more", "has_more_entries", "has_more_items", "has_more_pages", "has_more_results", "has_next",
     "has_next_page", "is_truncated", "more", "more_data_available", "more_items", "more_records", "more_results",
     "truncated"}
)  # fmt: skip
NO_MORE = frozenset({"done", "end_of_list", "is_done", "is_last", "is_last_page", "last", "last_page"})
#: Members that hold arrays of something else than the rows.
BESIDE = frozenset({"actions", "errors", "facets", "included", "links", "messages", "notices", "warnings"})
ROWS = ("data", "items", "results", "records", "entries", "values", "elements", "rows", "list", "hits", "objects",
        "content", "resources", "result", "edges", "nodes")  # fmt: skip
#: Members of an envelope that say nothing of the rows.
AROUND = frozenset(
    {
        "code", "count", "errors", "first", "href", "id", "included", "kind", "last", "link", "links", "message",
        "meta",
        "metadata", "object", "ok", "page", "pagination", "paging", "prev", "previous", "request_id",
        "response_metadata",
        "schemas", "self", "size", "status", "success", "timestamp", "type", "uri", "url", "warning", "warnings",
        "provider_name", "date_time_utc", "limit", "offset",
    }
)  # fmt: skip
TOTAL_HEADERS = ("x-total-count", "x-total", "total-count", "x-pagination-total-count", "x-total-results",
                 "pagination-count", "x-pagination-total", "x-result-count", "total")  # fmt: skip
KEYS = ("id", "uuid", "guid", "sid", "gid", "uid", "key", "urn", "token", "arn", "hash", "code", "slug", "number",
        "external_id", "name", "login", "username", "email", "domain", "iccid", "phone_number", "identifier",
        "version", "title")  # fmt: skip
SURE_KEYS = frozenset({"id", "uuid", "guid", "sid", "gid", "uid", "key"})
SORT = frozenset({"order", "order_by", "orderby", "ordering", "sort", "sort_by", "sort_field", "sort_key",
                  "sort_order_by", "sortby", "sort_on", "sort_column", "order_field", "sorting"})  # fmt: skip
DIRECTION = frozenset({"dir", "direction", "order", "order_dir", "order_direction", "order_type", "sort_dir",
                       "sort_direction", "sort_order", "sort_type", "sorting_order"})  # fmt: skip


def plain(name: str) -> str:
    """Return a name in one spelling: `page[size]`, `PageSize` and `page.size` are `page_size`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_") or name.lower()


def singular(word: str) -> str:
    """Return a word in the singular, by the rules that hold for most."""
    if re.search(r"(ss|us|is)$", word) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if re.search(r"(ch|sh|x|ss|us)es$", word):
        return word[:-2]
    return word[:-1]


def plural(word: str) -> str:
    """Return a word in the plural, by the rules that hold for most."""
    last = word.rpartition("_")[2]
    if singular(last) != last or last in _UNCOUNTED or last.endswith("s"):
        return word
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(ch|sh|x|z)$", word) else f"{word}s"


_UNCOUNTED = frozenset({"analytics", "content", "data", "feedback", "history", "info", "inventory", "media", "metadata",
                        "news", "scim", "time", "usage"})  # fmt: skip
