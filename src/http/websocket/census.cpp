#include "http/websocket/census.hpp"

#include <utility>

namespace portcullis::http::websocket {
Census::Outcome Census::admit(const IpAddress& address, const Limits& limits, WallTime now,
                              Place& place) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= limits.total) return Outcome::total_reached;
  auto& of_network = per_network_[address.network()];
  if (of_network >= limits.per_address) return Outcome::address_reached;
  ++of_network;
  auto& entry = entries_.emplace_back();
  entry.address = address;
  entry.since = now;
  place.census_ = this;
  place.entry_ = std::prev(entries_.end());
  return Outcome::admitted;
}

void Census::Place::leave() {
  auto* census = std::exchange(census_, nullptr);
  if (census == nullptr) return;
  const std::lock_guard lock(census->mutex_);
  if (entry_->ear) entry_->ear->listener = nullptr;
  const auto network = census->per_network_.find(entry_->address.network());
  if (--network->second == 0) census->per_network_.erase(network);
  if (entry_->authenticated) --census->authenticated_;
  census->entries_.erase(entry_);
}

void Census::Place::set_authenticated() {
  if (census_ == nullptr) return;
  const std::lock_guard lock(census_->mutex_);
  if (!std::exchange(entry_->authenticated, true)) ++census_->authenticated_;
}

void Census::Place::count_message() noexcept {
  if (census_ != nullptr) ++census_->messages_;
}

void Census::Place::listen(net::Worker& worker, std::string site, Listener& listener) {
  if (census_ == nullptr) return;
  const std::lock_guard lock(census_->mutex_);
  entry_->ear = std::make_shared<Ear>(worker, std::move(site), &listener);
}

void Census::tell(const Notice& notice) {
  tell_here(notice);
  if (further_) further_(notice);
}

void Census::tell_here(const Notice& notice) {
  std::unordered_map<net::Worker*, std::vector<std::shared_ptr<Ear>>> ears;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries_) {
      if (!entry.ear || entry.ear->site != notice.site) continue;
      if (notice.everybody || entry.authenticated) {
        ears[&entry.ear->worker].push_back(entry.ear);
      }
    }
  }
  for (auto& [worker, of_worker] : ears) {
    worker->post([all = std::move(of_worker), text = notice.text] {
      for (const auto& ear : all) {
        if (ear->listener != nullptr) ear->listener->hear(text);
      }
    });
  }
}

Census::Figures Census::figures(WallTime now) const {
  const std::lock_guard lock(mutex_);
  Figures out;
  out.open = entries_.size();
  out.authenticated = authenticated_;
  out.addresses = per_network_.size();
  out.messages = messages_;
  double sum = 0;
  for (const auto& entry : entries_) {
    sum += std::chrono::duration<double>(now - entry.since).count();
  }
  if (!entries_.empty()) out.average_seconds = sum / static_cast<double>(entries_.size());
  return out;
}

}  // namespace portcullis::http::websocket
