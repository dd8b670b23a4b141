/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

extern const char enclave_entry[] __attribute__((visibility("hidden")));

uintptr_t enclave_base(void)
{
    /* The measured entry offset, against where the entry really stands. */
    return (uintptr_t)enclave_entry - ap_layout.entry;
}
