/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The low-level SHA-256 of libcrypto, although deprecated: its state is a plain structure, and this
 * one has to live in memory that several processes share. An EVP context is a web of pointers.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "cpu/measure.h"

#include <assert.h>
#include <openssl/sha.h>
#include <string.h>

#define CHUNKS_PER_PAGE (SGX_PAGE_SIZE / SGX_EEXTEND_SIZE)

static_assert(sizeof(SHA256_CTX) <= sizeof((struct enclave_state *)0)->sha, "the state fits");
static_assert(_Alignof(SHA256_CTX) <= _Alignof(uint32_t), "the state is aligned");

static void append(struct enclave_state *state, const void *record, size_t size)
{
    SHA256_Update((SHA256_CTX *)state->sha, record, size);
}

void cpu_measure_ecreate(struct enclave_state *state, const struct sgx_secs *secs)
{
    struct sgx_measure_ecreate record = {
        .tag = SGX_TAG_ECREATE,
        .ssa_frame_size = secs->ssa_frame_size,
        .size = secs->size,
    };

    SHA256_Init((SHA256_CTX *)state->sha);
    append(state, &record, sizeof record);
}

void cpu_measure_eadd(struct enclave_state *state, uint64_t offset, const struct sgx_secinfo *info)
{
    struct sgx_measure_eadd record = {.tag = SGX_TAG_EADD, .offset = offset};

    memcpy(record.secinfo, info, sizeof record.secinfo);
    append(state, &record, sizeof record);
}

void cpu_measure_eextend(struct enclave_state *state, uint64_t offset, const uint8_t *data,
                         size_t chunks)
{
    /* One call into libcrypto for a whole page: per-call cost is felt at 320 bytes. */
    struct {
        struct sgx_measure_eextend record;
        uint8_t data[SGX_EEXTEND_SIZE];
    } piece[CHUNKS_PER_PAGE];

    assert(chunks <= CHUNKS_PER_PAGE);
    for (size_t i = 0; i < chunks; i++) {
        piece[i].record = (struct sgx_measure_eextend){
            .tag = SGX_TAG_EEXTEND,
            .offset = offset + i * SGX_EEXTEND_SIZE,
        };
        memcpy(piece[i].data, data + i * SGX_EEXTEND_SIZE, SGX_EEXTEND_SIZE);
    }
    append(state, piece, chunks * sizeof piece[0]);
}

void cpu_measure_digest(const struct enclave_state *state, uint8_t ret_digest[static 32])
{
    SHA256_CTX copy;

    memcpy(&copy, state->sha, sizeof copy);
    SHA256_Final(ret_digest, &copy);
}
