/* SPDX-License-Identifier: Apache-2.0 */
#include "image/policy.h"

#include <stddef.h>

static const struct {
    const char *name;
    uint8_t perm;
} policies[] = {
    [AP_POLICY_NONE] = {"none", 0},
    [AP_POLICY_DATA] = {"data", AP_PERM_R | AP_PERM_W},
    [AP_POLICY_PUBLISH] = {"publish", AP_PERM_R | AP_PERM_X},
    [AP_POLICY_TOGGLE] = {"toggle", AP_PERM_R | AP_PERM_W | AP_PERM_X},
    [AP_POLICY_RWX] = {"rwx", AP_PERM_R | AP_PERM_W | AP_PERM_X},
};

#define POLICY_COUNT (sizeof policies / sizeof policies[0])

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

bool region_name_ok(const char *name)
{
    size_t i = 0;

    if (!is_lower(name[0]))
        return false;
    while (is_lower(name[i]) || (name[i] >= '0' && name[i] <= '9') || name[i] == '-' ||
           name[i] == '_') {
        if (++i == AP_REGION_NAME_SIZE)
            return false;
    }
    return name[i] == '\0';
}

uint8_t policy_perm(uint8_t policy)
{
    return policy < POLICY_COUNT ? policies[policy].perm : 0;
}

bool policy_allows(uint8_t policy, uint8_t max_perm)
{
    if (policy == AP_POLICY_DATA && max_perm == AP_PERM_R)
        return true;
    return max_perm != 0 && max_perm == policy_perm(policy);
}

const char *policy_name(uint8_t policy)
{
    return policy < POLICY_COUNT ? policies[policy].name : "?";
}

uint32_t aperture_summary(const struct ap_layout *layout)
{
    uint64_t executable = 0;
    uint32_t perm = 0;
    uint32_t widest = AP_POLICY_NONE;

    for (uint32_t i = 0; i < layout->region_count; i++) {
        const struct ap_region *r = &layout->region[i];
        uint64_t dynamic = r->pages - r->initial;

        if (dynamic == 0)
            continue;
        perm |= r->max_perm;
        widest = r->policy > widest ? r->policy : widest;
        executable += r->max_perm & AP_PERM_X ? dynamic : 0;
    }
    if (executable > AP_SUMMARY_EXEC_MAX)
        executable = AP_SUMMARY_EXEC_MAX;
    return (uint32_t)executable << 8 | widest << 4 | perm;
}
