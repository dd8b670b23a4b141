/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagecrypt.h - an EPC page as it stands outside the EPC (private to model/cpu)
 *
 * AES-128-GCM under a key of this platform and this boot. The version is the nonce, so no two pages
 * may have the same one; everything the processor must find unchanged is in the header, which is
 * authenticated.
 */
#ifndef MODEL_CPU_PAGECRYPT_H
#define MODEL_CPU_PAGECRYPT_H

#include "cpu/cpu.h"

/* What is bound to the content. The manual gives it 128 bytes and leaves the order open. */
struct page_header {
    uint64_t eid;     /* of the owner; 0 for pages without */
    uint64_t linaddr; /* where the page stands in the enclave */
    uint8_t secinfo[64];
    uint8_t reserved[40]; /* as in the PCMD */
    uint8_t unused[8];    /* zero */
};
SGX_SIZE(page_header, 128);

/* False only without memory. */
bool cpu_page_encrypt(const struct platform *platform, uint64_t version,
                      const struct page_header *header, const void *page, uint8_t *ret_page,
                      uint8_t ret_mac[static 16]);

enum page_verdict { PAGE_GENUINE, PAGE_FORGED, PAGE_UNKNOWN /* without memory */ };

/* ret_page holds the plaintext if the page is genuine; otherwise it must not be looked at. */
enum page_verdict cpu_page_decrypt(const struct platform *platform, uint64_t version,
                                   const struct page_header *header, const void *page,
                                   const uint8_t mac[static 16], uint8_t *ret_page);

#endif
