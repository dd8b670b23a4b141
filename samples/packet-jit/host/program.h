/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - classic BPF programs on the host: from tcpdump expressions, and libpcap's verdicts
 */
#ifndef HOST_PROGRAM_H
#define HOST_PROGRAM_H

#include "shared/filter.h"

struct program {
    struct filter_insn *insns;
    uint32_t count;
};

#define PROGRAM_ERROR_SIZE 384

/*
 * program_compile() - what libpcap makes of an expression, optimised, for Ethernet frames
 * @ret_program: release with program_free()
 * @error:       PROGRAM_ERROR_SIZE bytes; on failure, libpcap's complaint
 *
 * 0, or -1 and nothing is left to release.
 */
int program_compile(const char *expression, struct program *ret_program, char *error);

void program_free(struct program *program);

/* What libpcap's own interpreter says of one packet: the truth that the enclave is compared with.
 */
uint32_t program_verdict(const struct program *program, const uint8_t *bytes,
                         const struct filter_packet *packet);

#endif
