/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "driver/platform.h"

void platform_default_svn(uint8_t ret_cpu_svn[static 16])
{
    memset(ret_cpu_svn, 0, 16);
    ret_cpu_svn[0] = 1;
}

bool platform_of_seed(const uint8_t seed[static PLATFORM_SEED_SIZE], struct platform *ret_platform)
{
    struct platform platform = {.secret = {0}};
    uint8_t bytes[64];

    _Static_assert(sizeof bytes == sizeof platform.secret + sizeof platform.owner_epoch +
                                       sizeof platform.report_key_id,
                   "all that a seed makes");
    if (!EVP_Digest(seed, PLATFORM_SEED_SIZE, bytes, NULL, EVP_sha512(), NULL))
        return false;
    memcpy(platform.secret, bytes, 16);
    memcpy(platform.owner_epoch, bytes + 16, 16);
    memcpy(platform.report_key_id, bytes + 32, 32);
    OPENSSL_cleanse(bytes, sizeof bytes);
    platform_default_svn(platform.cpu_svn);
    *ret_platform = platform;
    return true;
}

bool platform_random(struct platform *ret_platform)
{
    uint8_t seed[PLATFORM_SEED_SIZE];
    bool done = RAND_bytes(seed, sizeof seed) == 1 && platform_of_seed(seed, ret_platform);

    OPENSSL_cleanse(seed, sizeof seed);
    return done;
}
