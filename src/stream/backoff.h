// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

namespace penstock::stream {

// How long to wait before try number `attempt` (from 0) of something that failed: anything between
// nothing and a bound that doubles from `first` to `most`. The whole range (full jitter), so that
// workers which failed together do not come back together.
Duration backoff(int attempt, Duration first = Millis(50), Duration most = Millis(5000));

// A number in [0, 1), the same jitter for other formulas.
double chance_between_0_and_1();

}  // namespace penstock::stream
