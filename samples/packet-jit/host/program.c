/* SPDX-License-Identifier: Apache-2.0 */
#include "host/program.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Programs cross to libpcap and back by copying bytes. */
_Static_assert(sizeof(struct bpf_insn) == sizeof(struct filter_insn), "same size");
_Static_assert(offsetof(struct bpf_insn, code) == offsetof(struct filter_insn, code), "code");
_Static_assert(offsetof(struct bpf_insn, jt) == offsetof(struct filter_insn, jt), "jt");
_Static_assert(offsetof(struct bpf_insn, jf) == offsetof(struct filter_insn, jf), "jf");
_Static_assert(offsetof(struct bpf_insn, k) == offsetof(struct filter_insn, k), "k");

int program_compile(const char *expression, struct program *ret_program, char *error)
{
    struct bpf_program compiled;
    struct filter_insn *insns;
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, FILTER_PACKET_MAX);

    if (!pcap) {
        snprintf(error, PROGRAM_ERROR_SIZE, "not enough memory");
        return -1;
    }
    if (pcap_compile(pcap, &compiled, expression, 1, PCAP_NETMASK_UNKNOWN) < 0) {
        snprintf(error, PROGRAM_ERROR_SIZE, "\"%s\": %s", expression, pcap_geterr(pcap));
        pcap_close(pcap);
        return -1;
    }
    pcap_close(pcap);

    insns = malloc(compiled.bf_len * sizeof *insns);
    if (!insns) {
        snprintf(error, PROGRAM_ERROR_SIZE, "not enough memory");
        pcap_freecode(&compiled);
        return -1;
    }
    memcpy(insns, compiled.bf_insns, compiled.bf_len * sizeof *insns);
    ret_program->insns = insns;
    ret_program->count = compiled.bf_len;
    pcap_freecode(&compiled);
    return 0;
}

void program_free(struct program *program)
{
    free(program->insns);
}

uint32_t program_verdict(const struct program *program, const uint8_t *bytes,
                         const struct filter_packet *packet)
{
    return bpf_filter((const struct bpf_insn *)program->insns, bytes, packet->len, packet->caplen);
}
