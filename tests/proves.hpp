#pragma once
#include <gtest/gtest.h>

/// PROVES("F143,F001"): says in the test's report which promises it proves when it passes.
#define PROVES(ids) ::testing::Test::RecordProperty("proves", ids)
