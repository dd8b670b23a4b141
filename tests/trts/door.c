/* SPDX-License-Identifier: Apache-2.0 */
#include "door.h"

#include <criterion/criterion.h>
#include <string.h>

#include "abi/call.h"
#include "aperture/model.h"
#include "arch/leaf.h"
#include "arch/ssa.h"
#include "model.h"

_Static_assert(offsetof(struct passage_state, in_rdi) == 1024, "door_pass.S");
_Static_assert(offsetof(struct passage_state, in_r8) == 1048, "door_pass.S");
_Static_assert(offsetof(struct passage_state, function) == 1064, "door_pass.S");
_Static_assert(offsetof(struct passage_state, out_rdi) == 1072, "door_pass.S");
_Static_assert(offsetof(struct passage_state, out_r) == 1104, "door_pass.S");

int door_pass(struct passage_state *state, struct sgx_enclave_run *run, void *stack_top);

static uint8_t stack[1 << 18] __attribute__((aligned(4096)));

void door_open(struct door *door)
{
    struct image_error error;
    struct ap_error why;

    *door = (struct door){0};
    cr_assert(image_open(DOOR_ENCLAVE, &door->image, &error) == 0, "%s", error.text);
    cr_assert(plan_make(&door->image, &door->plan, &error) == 0, "%s", error.text);
    cr_assert(loader_load(os_model(), &door->image, &door->plan, false, &door->loaded, &why) ==
                  SGX_SUCCESS,
              "%s", why.text);
    door->state.in_vectors.fcw = 0x37f;
    door->state.in_vectors.mxcsr = 0x1f80;
    door->state.in_rflags = 2;
    door->state.in_rdx = (uintptr_t)door->memory;
    door->state.in_r8 = DOOR_MEMORY;
}

void door_close(struct door *door)
{
    loader_unload(&door->loaded);
    plan_free(&door->plan);
    image_close(&door->image);
}

uint64_t door_tcs(const struct door *door, unsigned slot)
{
    const struct ap_slots *s = &door->image.layout.slots;

    return door->loaded.base + s->offset + slot * s->slot_size + s->tcs_offset;
}

static enum door_end pass(struct door *door, unsigned slot, uint32_t function)
{
    door->state.function = function;
    door->run = (struct sgx_enclave_run){.tcs = door_tcs(door, slot)};
    cr_assert(door_pass(&door->state, &door->run, stack + sizeof stack) == 0);
    if (door->run.function == SGX_EEXIT)
        return DOOR_EXIT;
    return door->run.function == SGX_ERESUME ? DOOR_EXCEPTION : DOOR_ENTRY_FAULT;
}

enum door_end door_enter(struct door *door, unsigned slot, int64_t rdi, uint64_t rsi)
{
    door->state.in_rdi = (uint64_t)rdi;
    door->state.in_rsi = rsi;
    return pass(door, slot, SGX_EENTER);
}

enum door_end door_resume(struct door *door, unsigned slot)
{
    return pass(door, slot, SGX_ERESUME);
}

uint64_t door_call(struct door *door, unsigned slot, int64_t rdi, const void *ms)
{
    cr_assert(door_enter(door, slot, rdi, (uintptr_t)ms) == DOOR_EXIT);
    cr_assert(door->state.out_rdi == AP_EXIT_RETURN, "left with %#lx",
              (unsigned long)door->state.out_rdi);
    return door->state.out_rsi;
}

void door_serve_restrict(struct door *door)
{
    struct sgx_enclave_restrict_permissions args;
    struct ap_ocall_pages request;

    cr_assert(door->state.out_rdi == AP_EXIT_OCALL);
    cr_assert(door->state.out_rsi == (uint32_t)AP_OCALL_RESTRICT ||
              door->state.out_rsi == (uint64_t)AP_OCALL_RESTRICT);
    memcpy(&request, (const void *)door->state.out_rdx, sizeof request);
    args = (struct sgx_enclave_restrict_permissions){
        .offset = request.offset, .length = request.size, .permissions = request.perm};
    cr_assert(sgx2_ioctl(door->loaded.fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &args) == 0);
}

void door_init(struct door *door)
{
    cr_assert(door_enter(door, 0, AP_ENTER_INIT, 0) == DOOR_EXIT);
    door_serve_restrict(door);
    cr_assert(door_call(door, 0, AP_ENTER_ORET, NULL) == SGX_SUCCESS);
}

void door_interrupt_after(struct door *door, uint64_t instructions)
{
    struct sgx2_hostile act = {
        .act = SGX2_HOSTILE_INTERRUPT, .value = instructions, .vector = SGX_VECTOR_UD};

    cr_assert(sgx2_ioctl(door->loaded.fd, SGX2_MODEL_HOSTILE, &act) == 0);
}
