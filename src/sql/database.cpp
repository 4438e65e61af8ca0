#include "sql/database.hpp"

namespace portcullis::sql {

Cursor::~Cursor() = default;
Connection::~Connection() = default;
Database::~Database() = default;

}  // namespace portcullis::sql
