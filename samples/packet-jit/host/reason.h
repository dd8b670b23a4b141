/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_REASON_H
#define HOST_REASON_H

#include "shared/filter.h"

/* What the enclave's answer means, as half a sentence. Any value: it comes from the enclave. */
const char *reason_text(uint32_t reason);

#endif
