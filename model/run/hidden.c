/* SPDX-License-Identifier: Apache-2.0 */
#include "run/hidden.h"

#include <string.h>

#include "driver/hide.h"
#include "run/run.h"

#define PKRU         9 /* its number among the components of the extended state */
#define XSTATE_BV_AT 512

void hidden_allow(uint8_t *image, size_t size, const struct cpu_features *features, int key,
                  bool allow)
{
    const size_t at = features->xsave_offset[PKRU];
    const uint32_t rights = UINT32_C(3) << 2 * key; /* access disable, write disable */
    uint32_t pkru = 0;
    uint64_t bv;

    if (!(features->xfrm >> PKRU & 1) || at + sizeof pkru > size)
        return;
    memcpy(&bv, image + XSTATE_BV_AT, sizeof bv);
    if (bv >> PKRU & 1)
        memcpy(&pkru, image + at, sizeof pkru);
    pkru = allow ? pkru & ~rights : pkru | rights;
    bv |= UINT64_C(1) << PKRU;
    memcpy(image + at, &pkru, sizeof pkru);
    memcpy(image + XSTATE_BV_AT, &bv, sizeof bv);
}

void hidden_follow(struct thread *t)
{
    const bool inside = t->cpu.enclave_mode;

    switch (hide_way()) {
    case HIDE_BY_KEY:
        hidden_allow(t->cpu.xsave, t->cpu.xsave_size, run_features(), hide_key(), inside);
        break;
    case HIDE_BY_MAPPING:
        if (inside && !t->opened)
            hide_open(t->enclave);
        else if (!inside && t->opened)
            hide_close(t->enclave);
        t->opened = inside;
        break;
    default:
        break;
    }
}
