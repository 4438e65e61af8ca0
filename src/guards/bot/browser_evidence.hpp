#pragma once
#include "guards/bot/agent_table.hpp"
#include "guards/bot/score.hpp"
#include "http/request_head.hpp"

namespace portcullis::guards {

/// What the headers of a request that should come from a browser say against that: a User-Agent of
/// another program, or one of a browser without what this browser always sends.
///
/// What only secure pages send (client hints, fetch metadata) is missed only over https.
/// Cost: about 0.5 us.
Score judge_browser(const http::RequestHead& head, bool https, const AgentTable& agents,
                    std::span<const std::string> allowed);

}  // namespace portcullis::guards
