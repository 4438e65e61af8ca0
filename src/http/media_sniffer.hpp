#pragma once
#include <string_view>

namespace portcullis::http {

/// What a file is by its content, whatever it says that it is; static text, empty where it is none
/// of the kinds known here: image/png, image/jpeg, image/gif, image/webp, application/pdf,
/// application/zip (office documents too), audio/mpeg, audio/wav, audio/ogg, video/mp4, video/webm,
/// text/html (also SVG and other markup that a browser may run), text/plain (UTF-8 without control
/// characters).
///
/// Threads: any.  Cost: the first bytes; for text the whole.
/// Source:  the signatures of the WHATWG MIME Sniffing standard, without its guesses.
std::string_view sniff_media_type(std::string_view bytes) noexcept;

/// Whether a file name's extension is one that such content usually has; a name without one fits.
bool extension_fits(std::string_view file_name, std::string_view media_type) noexcept;

/// Whether a file of such content may be declared as `declared`, a media type in lower case without
/// parameters: one that whoever believes it would do nothing else with. None, and
/// application/octet-stream, say nothing and fit.
bool declaration_fits(std::string_view declared, std::string_view media_type) noexcept;

}  // namespace portcullis::http
