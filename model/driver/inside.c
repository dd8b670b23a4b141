/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that are in enclave mode, of all processes: an IPI must reach each of them, and one
 * that dies inside must be taken out, or tracking would wait for it for ever.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/share.h"
#include "trace.h"

static struct epc_inside *take_place(struct epc_file *file)
{
    struct epc_inside *in;

    if (file->inside_free) {
        in = &file->inside[file->inside_free - 1];
        file->inside_free = in->next;
    } else if (file->inside_used < EPC_INSIDE) {
        in = &file->inside[file->inside_used++];
    } else {
        fprintf(stderr, "aperture: more than %u threads inside one enclave\n", EPC_INSIDE);
        abort();
    }
    return in;
}

uint32_t inside_enter(struct enclave *e, const struct cpu *cpu, void *thread, int tid)
{
    struct epc_inside *in = take_place(e->file);

    *in = (struct epc_inside){
        .process = e->process,
        .tid = tid,
        .thread = (uint64_t)(uintptr_t)thread,
        .epoch = cpu->epoch,
        .tcs = cpu->tcs,
        .tcs_frame = cpu->tcs_frame,
        .ssa_gpr_frame = cpu->ssa_gpr_frame,
    };
    return (uint32_t)(in - e->file->inside);
}

void inside_leave(struct enclave *e, uint32_t place)
{
    struct epc_inside *in = &e->file->inside[place];

    in->process = 0;
    in->next = e->file->inside_free;
    e->file->inside_free = place + 1;
}

static bool is_active(const struct enclave *e, const struct epc_inside *in)
{
    const struct sgx_tcs *tcs = epc_frame(&e->epc, in->tcs_frame);

    return tcs->state == SGX_TCS_ACTIVE;
}

/* Who died on the way in or out is in one of the two and not in the other: the TCS decides. */
void inside_recover(struct enclave *e)
{
    struct epc_file *file = e->file;
    struct enclave_state *state = &file->state;

    file->inside_free = 0;
    state->active = 0;
    memset(state->inside, 0, sizeof state->inside);
    for (uint32_t i = 0; i < file->inside_used; i++) {
        if (file->inside[i].process && is_active(e, &file->inside[i])) {
            state->active++;
            state->inside[file->inside[i].epoch % EPOCH_SLOTS]++;
        } else {
            inside_leave(e, i);
        }
    }
}

/*
 * The registers died with the thread, so the frame in its SSA holds zeros: who resumes it finds
 * itself at address 0, outside the enclave, which is #GP.
 */
static void bury(struct enclave *e, uint32_t place)
{
    const struct epc_inside *in = &e->file->inside[place];
    const struct event interrupt = {.vector = 0xfd};
    struct cpu cpu = {
        .epc = &e->epc,
        .enclave_mode = true,
        .tcs = in->tcs,
        .tcs_frame = in->tcs_frame,
        .epoch = in->epoch,
        .ssa_gpr_frame = in->ssa_gpr_frame,
    };

    TRACE_EVENT(e, TRACE_EXIT, "AEX", trace_string("cause", NULL, "death"),
                trace_number("thread", "thread % died inside", in->tid));
    cpu_aex(&cpu, &interrupt);
    COUNT_FOR(e, in->tid, aex);
    COUNT_FOR(e, in->tid, aex_interrupts);
    inside_leave(e, place);
}

void inside_bury(struct enclave *e, uint32_t process)
{
    for (uint32_t i = 0; i < e->file->inside_used; i++)
        if (e->file->inside[i].process == process)
            bury(e, i);
}

bool inside_bury_dead(struct enclave *e)
{
    bool any = false;

    for (uint32_t i = 0; i < e->file->inside_used; i++) {
        const uint32_t process = e->file->inside[i].process;

        if (!process || share_alive(e, process))
            continue;
        bury(e, i);
        any = true;
    }
    return any;
}

static enum kick interrupt(const struct enclave *e, const struct epc_inside *in)
{
    const struct epc_process *process = &e->file->processes[in->process - 1];

    if (in->process == e->process)
        return run_kick((void *)(uintptr_t)in->thread);
    if (!share_alive(e, in->process))
        return KICK_DEAD;
    return run_kick_other(process->pid, in->tid, process->mark);
}

bool inside_interrupt(struct enclave *e, bool look)
{
    bool others = false;

    for (uint32_t i = 0; i < e->file->inside_used; i++) {
        struct epc_inside *in = &e->file->inside[i];
        enum kick kick;

        if (!in->process || in->epoch >= e->file->state.epoch)
            continue;
        kick = interrupt(e, in);
        if (kick == KICK_DEAD) {
            bury(e, i);
            continue;
        }
        others |= in->process != e->process;
        if (look && kick == KICK_SENT)
            stopped_step_aside(e, in, e->file->processes[in->process - 1].pid);
    }
    return others;
}

void inside_catch_up(const struct enclave *e, uint32_t place, struct cpu *cpu)
{
    cpu->epoch = e->file->inside[place].epoch;
}
