/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - the measured layout page, as the runtime reads it
 */
#ifndef TRTS_LAYOUT_H
#define TRTS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/layout.h"

/* image.S. Read-only, measured, filled by ap-sign after the link. */
extern const struct ap_layout ap_layout __attribute__((visibility("hidden")));

/* Where ELRANGE begins. */
uintptr_t enclave_base(void);

/*
 * What must hold of the page before anything relies on it. ap-sign writes no other; this guards
 * against a runtime and a signing tool of different versions.
 */
bool layout_ok(const struct ap_layout *layout);

#endif
