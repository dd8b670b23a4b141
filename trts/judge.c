/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - may this exception be delivered? See exception.h */
#include "exception.h"

#include <stddef.h>

#include "arch/attributes.h"

/* What SSA.EXITINFO can say (SDM, "EXITINFO"). Everything else was not written by a processor. */
static bool is_possible(uint32_t exitinfo)
{
    unsigned type = SGX_EXITINFO_TYPE(exitinfo);

    if (!(exitinfo & SGX_EXITINFO_VALID))
        return false;
    switch (SGX_EXITINFO_VECTOR(exitinfo)) {
    case SGX_VECTOR_BP:
        return type == SGX_EXIT_SOFTWARE;
    case SGX_VECTOR_DE:
    case SGX_VECTOR_DB:
    case SGX_VECTOR_BR:
    case SGX_VECTOR_UD:
    case SGX_VECTOR_GP:
    case SGX_VECTOR_PF:
    case SGX_VECTOR_MF:
    case SGX_VECTOR_AC:
    case SGX_VECTOR_XM:
    case SGX_VECTOR_CP:
        return type == SGX_EXIT_HARDWARE;
    default:
        return false;
    }
}

/* A leaf's own refusal, not anything else that may happen at its address. */
static uint64_t find_fixup(const struct exception_scene *s)
{
    unsigned vector = SGX_EXITINFO_VECTOR(s->gpr->exitinfo);

    if (vector != SGX_VECTOR_PF && vector != SGX_VECTOR_GP)
        return 0;
    return fixup_find(s->fixup_begin, s->fixup_end, s->gpr->rip);
}

static bool is_between(uint64_t at, uint64_t begin, uint64_t end)
{
    return at >= begin && at < end;
}

static bool bears_exception(const struct exception_scene *s)
{
    return s->thread_ready && s->critical == 0 &&
           is_between(s->gpr->rip, s->elrange_begin, s->elrange_end) &&
           !is_between(s->gpr->rip, s->critical_begin, s->critical_end);
}

/* The stack lies inside ELRANGE and is far larger than what is subtracted: nothing wraps. */
static bool place_frame(const struct exception_scene *s, uint64_t *ret_frame)
{
    uint64_t rsp = s->gpr->rsp, needed = RED_ZONE_BYTES + s->frame_size + 63 + HANDLER_ROOM_BYTES;

    if (rsp < s->stack.low || rsp > s->stack.high || rsp - s->stack.low < needed)
        return false;
    *ret_frame = (rsp - RED_ZONE_BYTES - s->frame_size) & ~UINT64_C(63);
    return true;
}

enum exception_verdict exception_judge(const struct exception_scene *scene, uint64_t *ret_at)
{
    uint64_t fixup;

    if (!is_possible(scene->gpr->exitinfo))
        return EXCEPTION_FORGED;
    fixup = scene->thread_ready ? find_fixup(scene) : 0;
    if (fixup) {
        *ret_at = fixup;
        return EXCEPTION_FIXUP;
    }
    if (!bears_exception(scene))
        return EXCEPTION_BAD;
    return place_frame(scene, ret_at) ? EXCEPTION_DELIVER : EXCEPTION_OVERRUN;
}

uint64_t exception_xsave_size(uint64_t xfrm)
{
    /* Offset plus size; other processors than those that define SGX place components lower. */
    static const struct {
        uint8_t component;
        uint16_t end;
    } extended[] = {
        {2, 832},  {3, 1024}, {4, 1088},  {5, 1152},   {6, 1664},
        {7, 2688}, {9, 2696}, {17, 2816}, {18, 11008},
    };
    uint64_t size = SGX_XSAVE_MIN_SIZE;

    for (size_t i = 0; i < sizeof extended / sizeof extended[0]; i++)
        if (xfrm >> extended[i].component & 1)
            size = extended[i].end;
    return size;
}
