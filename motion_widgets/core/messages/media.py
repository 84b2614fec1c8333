"""Clips and images that cannot be found, read or measured."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "missing_file": "“{name}” was not found here. Check the path, or choose the file again.",
    "is_directory": "“{name}” is a folder. Choose a file in it.",
    "not_readable": "“{name}” cannot be read. Check its permissions, or copy it to another folder.",
    "empty_file": "“{name}” is empty (0 bytes). Export or download it again.",
    "html_file": "“{name}” contains {found}, not a video. The link probably led to a web page; download the file itself.",
    "wrong_format": "“{name}” looks like {found}; only MP4 and MOV are accepted. Convert it to MP4 (H.264).",
    "no_video": "“{name}” has sound but no picture. Choose a clip with a video track.",
    "damaged": "“{name}” is damaged: its header contradicts itself. Export or download it again.",
    "no_header": "“{name}” is cut off: it ends before its header. Export or download it again.",
    "link_dead": "{host} returned {status} for “{name}”. Check that the link is public and has not expired.",
    "link_unreachable": "{host} cannot be reached for “{name}”: {found}. Check the link and the network.",
    "link_slow": "{host} did not deliver “{name}” within {seconds} s. Try again, or use a local file.",
    "link_scheme": "A link begins with http:// or https://, not {found}://. Use such a link, or a local file.",
    "link_encoded": "{host} sends “{name}” compressed ({found}), so it cannot be read in parts. Use another host.",
    "link_redirect": "{host} redirects “{name}” {found}, which is not followed. Use the final link.",
    "link_no_range": "{host} serves “{name}” only as a whole, and its first {limit} MB are not enough. Use another host, or a local file.",
    "link_answer": "{host} sent an unusable response for “{name}”: {found}. Try again, or use another host.",
    "not_image": "“{name}” looks like {found}, not an image. Use a JPEG or PNG.",
    "image_too_big": "“{name}” has {found}; at most {limit} are read. Make it smaller.",
    "not_decodable": "“{name}” cannot be decoded. Export it again as MP4 (H.264).",
    "corpus_measuring": "Measuring clips",
    "corpus_progress": "{done:,} of {count:,} clips measured",
    "corpus_worker": "It was not measured because its worker ended ({reason}). Measure again, with smaller batches or fewer workers.",
    "broken_picture": "a damaged picture",
    "too_many_pixels": "far too many pixels",
    "decode_slow": "Decoding “{name}” took longer than {seconds} s. Use a shorter clip, or try again.",
}
