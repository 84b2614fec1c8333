"""Clips and images that cannot be found, read or measured."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "missing_file": "There is no file “{name}” here. Check the path, or pick the file again.",
    "is_directory": "“{name}” is a folder. Pick one file in it.",
    "not_readable": "“{name}” cannot be read. Check its permissions, or copy it to another folder.",
    "empty_file": "“{name}” is empty (0 bytes). Export or download it again.",
    "html_file": "“{name}” holds {found}, not a video. The link probably led to a page; download the file itself.",
    "wrong_format": "“{name}” looks like {found}; only MP4 and MOV are taken. Convert it to MP4 (H.264).",
    "no_video": "“{name}” has sound but no picture. Pick a clip with a video track.",
    "damaged": "“{name}” is damaged: its header contradicts itself. Export or download it again.",
    "no_header": "“{name}” ends before its header, so it is cut off. Export or download it again.",
    "link_dead": "{host} answers {status} for “{name}”. Check that the link is public and has not expired.",
    "link_unreachable": "{host} cannot be reached for “{name}”: {found}. Check the link and the network.",
    "link_slow": "{host} did not deliver “{name}” within {seconds} s. Try again, or use a local file.",
    "link_scheme": "A link begins with http:// or https://, not {found}://. Use such a link, or a local file.",
    "link_encoded": "{host} sends “{name}” compressed ({found}), so it cannot be read in parts. Use another host.",
    "link_redirect": "{host} redirects “{name}” {found}, which is not followed. Use the final link.",
    "link_no_range": "{host} serves “{name}” only as a whole, and its first {limit} MB do not suffice. Use another host, or a local file.",
    "link_answer": "{host} answers for “{name}” in a way that cannot be used: {found}. Try again, or use another host.",
    "not_image": "“{name}” looks like {found}, not a picture. Use a JPEG or PNG.",
    "image_too_big": "“{name}” has {found}; at most {limit} are read. Make it smaller.",
    "not_decodable": "“{name}” cannot be decoded. Export it again as MP4 (H.264).",
    "corpus_measuring": "Measuring clips",
    "corpus_progress": "{done:,} of {count:,} clips measured",
    "corpus_worker": "It was not measured, for its worker ended ({reason}). Measure again, with smaller batches or fewer workers.",
    "broken_picture": "a damaged picture",
    "too_many_pixels": "far too many pixels",
    "decode_slow": "“{name}” was not decoded within {seconds} s. Use a shorter clip, or try again.",
}
