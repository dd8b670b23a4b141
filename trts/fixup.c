/* SPDX-License-Identifier: Apache-2.0 */
#include "fixup.h"

uint64_t fixup_find(const struct fixup *begin, const struct fixup *end, uint64_t rip)
{
    for (const struct fixup *f = begin; f < end; f++)
        if ((uintptr_t)&f->at + (uint64_t)(int64_t)f->at == rip)
            return (uintptr_t)&f->to + (uint64_t)(int64_t)f->to;
    return 0;
}
