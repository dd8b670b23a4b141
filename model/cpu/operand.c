/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/operand.h"

#include "cpu/unconfirmed.h"

#include <string.h>

bool cpu_all_zero(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    /* Each byte equals its neighbour, and the first is zero. */
    return size == 0 || (at[0] == 0 && memcmp(at, at + 1, size - 1) == 0);
}

bool cpu_secinfo_reserved_clear(const struct sgx_secinfo *info)
{
    return (info->flags & SGX_SECINFO_RESERVED) == 0 &&
           cpu_all_zero(info->reserved, sizeof info->reserved);
}

UNCONFIRMED(TCS_CET_FIELDS);

bool cpu_tcs_wellformed(const struct sgx_tcs *tcs, const struct sgx_secs *secs)
{
    bool long_mode = secs->attributes.flags & SGX_ATTR_MODE64BIT;

    /* No CET here: its two fields are reserved bytes like the rest. */
    if (tcs->ocetssa != 0 || tcs->prevssp != 0 ||
        !cpu_all_zero(tcs->reserved, sizeof tcs->reserved))
        return false;
    return long_mode || ((tcs->fslimit & 0xfff) == 0xfff && (tcs->gslimit & 0xfff) == 0xfff);
}

bool cpu_epc_find(const struct epc *epc, uint64_t address, uint64_t *ret_frame)
{
    uint64_t frame = (address - epc_address(epc, 0)) / SGX_PAGE_SIZE;

    /* An address below the window wraps to a frame far beyond any count. */
    if (frame >= epc->frame_count)
        return false;
    *ret_frame = frame;
    return true;
}

UNCONFIRMED(ENCLS_PFEC);

struct outcome cpu_encls_pf(uint64_t address)
{
    return leaf_pf(address, SGX_PFEC_P | SGX_PFEC_SGX);
}

UNCONFIRMED(ENCLU_PFEC);

struct outcome cpu_enclu_pf(uint64_t linear, enum access access)
{
    uint32_t pfec = SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX;

    return leaf_pf(linear, access == ACCESS_WRITE ? pfec | SGX_PFEC_W : pfec);
}

struct outcome cpu_operand_range(const struct cpu *cpu, uint64_t linear, uint64_t alignment)
{
    NEED(aligned(linear, alignment), leaf_gp());
    NEED(secs_contains(cpu_secs(cpu), linear), leaf_gp());
    return leaf_done(SGX_OK);
}

UNCONFIRMED(LINEAR_ADDRESSES);

struct outcome cpu_operand_frame(struct cpu *cpu, uint64_t linear, enum access access,
                                 uint64_t *ret_frame)
{
    uint64_t frame;
    uint32_t pfec = 0;

    NEED(canonical(linear), leaf_gp());
    NEED(cpu->translate(cpu, linear, access, &frame, &pfec), leaf_pf(linear, pfec));
    NEED(frame != FRAME_NONE, cpu_enclu_pf(linear, access));
    *ret_frame = frame;
    return leaf_done(SGX_OK);
}

struct outcome cpu_operand_epcm(const struct cpu *cpu, uint64_t frame, uint64_t linear,
                                enum access access)
{
    NEED(cpu_epcm_permits(cpu->epc, frame, linear, cpu_secs_frame(cpu), access),
         cpu_enclu_pf(linear, access));
    return leaf_done(SGX_OK);
}

struct outcome cpu_operand(struct cpu *cpu, uint64_t linear, uint64_t alignment, enum access access,
                           void **ret_pointer)
{
    uint64_t frame;

    TRY(cpu_operand_range(cpu, linear, alignment));
    TRY(cpu_operand_frame(cpu, linear, access, &frame));
    TRY(cpu_operand_epcm(cpu, frame, linear, access));
    *ret_pointer = operand_pointer(cpu, frame, linear);
    return leaf_done(SGX_OK);
}
