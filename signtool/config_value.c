/* SPDX-License-Identifier: Apache-2.0 */
#include "config_value.h"

#include <inttypes.h>
#include <string.h>

#include "image/geometry.h"
#include "image/policy.h"

/* Half of the largest ELRANGE: with anything beside it, a larger one cannot be laid out. */
#define SIZE_MAX_BYTES (GEOMETRY_ELRANGE_MAX / 2)

#define NUMBER(name, field, min, max)                                                              \
    {                                                                                              \
        name, offsetof(struct config, field), min, max, 1, NULL                                    \
    }
#define BYTES(name, field, min, max)                                                               \
    {                                                                                              \
        name, offsetof(struct config, field), min, max, SGX_PAGE_SIZE, NULL                        \
    }

const struct config_element config_elements[CONFIG_ELEMENTS] = {
    NUMBER("ProdID", prod_id, 0, UINT16_MAX),
    NUMBER("ISVSVN", isv_svn, 0, UINT16_MAX),
    BYTES("StackMaxSize", stack_size, GEOMETRY_STACK_MIN, GEOMETRY_STACK_MAX),
    BYTES("HeapInitSize", heap_init, SGX_PAGE_SIZE, SIZE_MAX_BYTES),
    BYTES("HeapMaxSize", heap_max, SGX_PAGE_SIZE, SIZE_MAX_BYTES),
    NUMBER("TCSNum", tcs_num, 1, GEOMETRY_SLOTS_MAX),
    NUMBER("DisableDebug", disable_debug, 0, 1),
    NUMBER("MiscSelect", misc_select, 0, SGX_MISC_EXINFO),
    NUMBER("MiscMask", misc_mask, 0, UINT32_MAX),
    NUMBER("ProvisionKey", provision_key, 0, 1),
    NUMBER("EnableKSS", enable_kss, 0, 1),
    {"XFRM", offsetof(struct config, xfrm), 0, UINT64_MAX, 1, geometry_xfrm_ok},
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

bool number_parse(const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    int base = 10;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    } else if (text[0] == '0' && text[1] != '\0') {
        return false;
    }
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        int d = digit(*text);

        if (d >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)d, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

static int check_size(const char *what, uint64_t value, uint64_t min, uint64_t max, uint64_t unit,
                      struct failure *failure)
{
    if (value < min || value > max)
        return fail(failure, "%s is 0x%" PRIx64 "; expected 0x%" PRIx64 " to 0x%" PRIx64, what,
                    value, min, max);
    if (value % unit)
        return fail(failure, "%s is 0x%" PRIx64 "; expected a multiple of 0x%" PRIx64, what, value,
                    unit);
    return 0;
}

int element_parse(const struct config_element *e, const char *text, uint64_t *ret_value,
                  struct failure *failure)
{
    uint64_t value;

    if (!number_parse(text, &value))
        return fail(failure, "%s is '%.40s'; expected a decimal or 0x number", e->name, text);
    if (check_size(e->name, value, e->min, e->max, e->unit, failure) < 0)
        return -1;
    if (e->check && !e->check(value))
        return fail(failure,
                    "%s is 0x%" PRIx64
                    "; expected 3, and with it any of AVX (4), MPX (0x18), AVX-512 (0xe0, with "
                    "AVX), PKRU (0x200), AMX (0x60000)",
                    e->name, value);
    *ret_value = value;
    return 0;
}

static int take_name(const char *text, struct config_region *region, struct failure *failure)
{
    if (!region_name_ok(text))
        return fail(failure,
                    "a region cannot be named '%.40s'; expected a lower-case letter, then at most "
                    "22 of a-z, 0-9, '-' and '_'",
                    text);
    if (strcmp(text, "heap") == 0 || strcmp(text, "threads") == 0 || strcmp(text, "pagemap") == 0)
        return fail(failure, "the name '%s' belongs to the runtime", text);
    memcpy(region->name, text, strlen(text) + 1);
    return 0;
}

static int take_policy(const char *text, struct config_region *region, struct failure *failure)
{
    for (uint8_t p = AP_POLICY_DATA; p <= AP_POLICY_RWX; p++) {
        if (strcmp(text, policy_name(p)) == 0) {
            region->policy = p;
            return 0;
        }
    }
    return fail(failure, "unknown policy '%.40s'; expected data, publish, toggle or rwx", text);
}

static int take_max(const char *text, struct config_region *region, struct failure *failure)
{
    static const char letters[] = "RWX";
    const char *next = letters;

    region->max_perm = 0;
    for (const char *c = text; *c; c++) {
        const char *found = strchr(next, *c);

        if (!found)
            return fail(failure, "max is '%.40s'; expected R, RW, RX or RWX", text);
        region->max_perm |= (uint8_t)(1u << (found - letters));
        next = found + 1;
    }
    if (!(region->max_perm & AP_PERM_R))
        return fail(failure, "max is '%.40s'; expected R, RW, RX or RWX", text);
    return 0;
}

static int take_bytes(const char *what, const char *text, uint64_t min, uint64_t *ret_value,
                      struct failure *failure)
{
    if (!number_parse(text, ret_value))
        return fail(failure, "%s is '%.40s'; expected a decimal or 0x number", what, text);
    return check_size(what, *ret_value, min, SIZE_MAX_BYTES, SGX_PAGE_SIZE, failure);
}

static int take_attribute(const char *name, const char *text, struct config_region *region,
                          struct failure *failure)
{
    if (strcmp(name, "name") == 0)
        return take_name(text, region, failure);
    if (strcmp(name, "policy") == 0)
        return take_policy(text, region, failure);
    if (strcmp(name, "max") == 0)
        return take_max(text, region, failure);
    if (strcmp(name, "size") == 0)
        return take_bytes("size", text, SGX_PAGE_SIZE, &region->size, failure);
    if (strcmp(name, "initial") == 0)
        return take_bytes("initial", text, 0, &region->initial, failure);
    return fail(failure,
                "Region has no attribute '%.40s'; expected name, size, policy, max or initial",
                name);
}

int region_parse(const char *const *attributes, struct config_region *ret_region,
                 struct failure *failure)
{
    struct config_region r = {0};

    for (; attributes[0]; attributes += 2) {
        if (take_attribute(attributes[0], attributes[1], &r, failure) < 0)
            return -1;
    }
    if (!r.name[0] || !r.size || !r.policy)
        return fail(failure, "Region lacks its %s",
                    !r.name[0] ? "name" : (!r.size ? "size" : "policy"));
    if (!r.max_perm)
        r.max_perm = policy_perm(r.policy);
    if (!policy_allows(r.policy, r.max_perm))
        return fail(failure, "max contradicts policy '%s' of region '%s'", policy_name(r.policy),
                    r.name);
    if (r.initial > r.size)
        return fail(failure, "initial is 0x%" PRIx64 ", more than the size 0x%" PRIx64, r.initial,
                    r.size);
    *ret_region = r;
    return 0;
}
