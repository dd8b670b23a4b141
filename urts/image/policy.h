/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what a region's name, policy and permissions may be, and the aperture's summary
 */
#ifndef URTS_IMAGE_POLICY_H
#define URTS_IMAGE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/layout.h"

/* A name: a letter, then letters, digits, '-' and '_', all lower case, fewer than 24 bytes. */
bool region_name_ok(const char *name);

/* The widest permissions under a policy, AP_PERM_*; 0 if there is no such policy for a region. */
uint8_t policy_perm(uint8_t policy);

/*
 * True if a region of this policy may have max_perm. Data may be narrowed to R; the others are
 * what their permissions say, and a narrower set would be another policy.
 */
bool policy_allows(uint8_t policy, uint8_t max_perm);

/* The word in the configuration: "data", "publish", ...; "none" and "?" for what has none there. */
const char *policy_name(uint8_t policy);

/* SIGSTRUCT.SWDEFINED, see AP_SUMMARY_* in abi/layout.h. The layout has passed layout_check(). */
uint32_t aperture_summary(const struct ap_layout *layout);

#endif
