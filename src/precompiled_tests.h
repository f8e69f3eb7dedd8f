// SPDX-License-Identifier: Apache-2.0
// precompiled.h for the test binaries.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "precompiled.h"
