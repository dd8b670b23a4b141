/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/pagecrypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "cpu/derive.h"
#include "cpu/unconfirmed.h"

/* A name that no KEYREQUEST can ask for: EGETKEY refuses what lies beyond SEAL. */
#define PAGING_KEY 0xffffu

UNCONFIRMED(PAGING_CIPHER);

#define NONCE_SIZE 12
#define MAC_SIZE   16

/* KEYID is random at every boot, as the hardware's paging key is: pages do not survive one. */
static bool paging_key(const struct platform *platform, uint8_t ret_key[static 16])
{
    struct key_inputs inputs = {.key_name = PAGING_KEY};

    memcpy(inputs.key_id, platform->report_key_id, sizeof inputs.key_id);
    return cpu_derive(platform, &inputs, ret_key);
}

/* A 96-bit number: the version above 32 zero bits. */
static void nonce_of(uint64_t version, uint8_t ret_nonce[static NONCE_SIZE])
{
    memset(ret_nonce, 0, NONCE_SIZE);
    memcpy(ret_nonce + NONCE_SIZE - sizeof version, &version, sizeof version);
}

static bool start(EVP_CIPHER_CTX *ctx, const struct platform *platform, uint64_t version, int enc)
{
    uint8_t key[16], nonce[NONCE_SIZE];
    bool done;

    if (!paging_key(platform, key))
        return false;
    nonce_of(version, nonce);
    done = EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, nonce, enc) == 1;
    OPENSSL_cleanse(key, sizeof key);
    return done;
}

static bool process(EVP_CIPHER_CTX *ctx, const struct page_header *header, const void *page,
                    uint8_t *ret_page)
{
    int size;

    return EVP_CipherUpdate(ctx, NULL, &size, (const uint8_t *)header, sizeof *header) == 1 &&
           EVP_CipherUpdate(ctx, ret_page, &size, page, SGX_PAGE_SIZE) == 1;
}

bool cpu_page_encrypt(const struct platform *platform, uint64_t version,
                      const struct page_header *header, const void *page, uint8_t *ret_page,
                      uint8_t ret_mac[static 16])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t none[EVP_MAX_BLOCK_LENGTH]; /* GCM holds nothing back */
    int size;
    bool done = ctx && start(ctx, platform, version, 1) && process(ctx, header, page, ret_page) &&
                EVP_CipherFinal_ex(ctx, none, &size) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, MAC_SIZE, ret_mac) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return done;
}

enum page_verdict cpu_page_decrypt(const struct platform *platform, uint64_t version,
                                   const struct page_header *header, const void *page,
                                   const uint8_t mac[static 16], uint8_t *ret_page)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t none[EVP_MAX_BLOCK_LENGTH], wanted[MAC_SIZE];
    enum page_verdict verdict = PAGE_UNKNOWN;
    int size;

    memcpy(wanted, mac, sizeof wanted);
    if (ctx && start(ctx, platform, version, 0) && process(ctx, header, page, ret_page) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, MAC_SIZE, wanted) == 1)
        verdict = EVP_CipherFinal_ex(ctx, none, &size) == 1 ? PAGE_GENUINE : PAGE_FORGED;
    EVP_CIPHER_CTX_free(ctx);
    return verdict;
}
