/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/profile.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "driver/hide.h"
#include "model.h"
#include "unconfirmed.h"

static const char *const names[] = {
    [PROFILE_MAINLINE] = "mainline", [PROFILE_SGX1] = "sgx1",     [PROFILE_STATIC] = "static",
    [PROFILE_WXORX] = "wxorx",       [PROFILE_NOEXEC] = "noexec",
};

/* The name given to sgx2_set_profile(), which goes before the environment; NULL: none. */
static const char *chosen;

static int find(const char *name, enum sgx2_profile *ret_profile)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_profile = (enum sgx2_profile)i;
            return 0;
        }
    }
    return -EINVAL;
}

int sgx2_set_profile(const char *name)
{
    enum sgx2_profile profile;

    if (name && find(name, &profile) < 0)
        return -EINVAL;
    chosen = name ? names[profile] : NULL;
    return 0;
}

/* Bytes, or 0 for text that is no size. */
static uint64_t parse_size(const char *text)
{
    static const char units[] = "KMG";
    const char *unit;
    char *end;
    uint64_t size;
    unsigned shift = 0;

    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    size = strtoull(text, &end, 10);
    if (errno)
        return 0;
    if (*end && (unit = strchr(units, *end & ~0x20))) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    return *end || size << shift >> shift != size ? 0 : size << shift;
}

uint64_t profile_epc_size(uint64_t otherwise)
{
    const char *size = getenv("APERTURE_EPC_SIZE");
    const uint64_t bytes = size ? parse_size(size) & SGX_PAGE_MASK : 0;

    return bytes ? bytes : otherwise;
}

UNCONFIRMED(OPEN_POLICY);

bool profile_choose(enum sgx2_profile *ret_profile, uint64_t *ret_epc_pages)
{
    const char *driver = chosen ? chosen : getenv("APERTURE_DRIVER");
    const char *size = getenv("APERTURE_EPC_SIZE");

    *ret_profile = PROFILE_MAINLINE;
    *ret_epc_pages = UINT64_MAX;
    if (driver && *driver && find(driver, ret_profile) < 0) {
        fprintf(stderr,
                "aperture: APERTURE_DRIVER=%s: expected mainline, sgx1, static, wxorx or noexec\n",
                driver);
        return false;
    }
    if (size && *size) {
        *ret_epc_pages = parse_size(size) >> SGX_PAGE_SHIFT;
        if (*ret_epc_pages == 0) {
            fprintf(stderr,
                    "aperture: APERTURE_EPC_SIZE=%s: expected at least a page, as 4096, 64K, 128M "
                    "or 1G\n",
                    size);
            return false;
        }
    }
    return hide_setting_ok();
}
