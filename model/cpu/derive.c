/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/derive.h"

#include "cpu/unconfirmed.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

/* No byte of padding may reach the MAC. */
static_assert(sizeof(struct key_inputs) == 6 * 2 + 2 * 4 + 2 * 16 + 4 * 16 + 3 * 32 + 64 + 352,
              "the serialisation is exactly its fields");

static bool cmac(EVP_MAC_CTX *ctx, const uint8_t *key, const void *message, size_t size,
                 uint8_t *ret_mac)
{
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t written = 0;

    return EVP_MAC_init(ctx, key, 16, params) && EVP_MAC_update(ctx, message, size) &&
           EVP_MAC_final(ctx, ret_mac, &written, 16) && written == 16;
}

bool cpu_cmac(const uint8_t key[static 16], const void *message, size_t size,
              uint8_t ret_mac[static 16])
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    bool done = ctx && cmac(ctx, key, message, size, ret_mac);

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return done;
}

UNCONFIRMED(KEY_FUNCTION);

bool cpu_derive(const struct platform *platform, const struct key_inputs *inputs,
                uint8_t ret_key[static 16])
{
    return cpu_cmac(platform->secret, inputs, sizeof *inputs, ret_key);
}

UNCONFIRMED(CPUSVN_ORDER);

bool cpu_svn_reached(const struct platform *platform, const uint8_t requested[static 16])
{
    for (size_t i = 0; i < sizeof platform->cpu_svn; i++) {
        if (requested[i] > platform->cpu_svn[i])
            return false;
    }
    return true;
}
