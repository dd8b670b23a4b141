/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - the row behind a code region's handle
 */
#ifndef TRTS_CODE_REGION_H
#define TRTS_CODE_REGION_H

#include "abi/layout.h"
#include "aperture/code.h"

/* NULL if the handle is not one that ap_code_region() gives. */
const struct ap_region *code_region_row(const struct ap_code_region *region);

#endif
