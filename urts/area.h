/* SPDX-License-Identifier: Apache-2.0 */
/*
 * area.h - which parts of ELRANGE are mapped, and with what protection at most
 *
 * Mapping mode `ceiling`: an area has, once and for all, the union of the permissions that its
 * pages may ever have; per page the EPCM decides. What no area covers stays a PROT_NONE
 * reservation.
 */
#ifndef URTS_AREA_H
#define URTS_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/layout.h"
#include "image/plan.h"

struct area {
    uint64_t offset; /* bytes from the enclave's base, page aligned */
    uint64_t size;   /* bytes, page aligned, not 0 */
    int prot;        /* PROT_* */
};

struct area_list {
    size_t count;
    struct area *area; /* ascending, apart, neighbours differ in prot; owned */
};

/*
 * areas_make() - from what is loaded and what may be added later
 *
 * 0; -ENOMEM; -ENOEXEC if areas overlap, are empty or leave ELRANGE. Release with areas_free().
 */
int areas_make(const struct plan *plan, const struct ap_layout *layout, struct area_list *ret_list);
void areas_free(struct area_list *list);

/* Every byte of the range lies in an area that may have all of prot. */
bool areas_cover(const struct area_list *list, uint64_t offset, uint64_t size, int prot);

#endif
