/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unconfirmed.h - what was chosen outside the processor, where manual and kernel leave it open
 *
 * As cpu/unconfirmed.h, whose list this one continues, for model/driver and model/run. The table in
 * docs/model.md is made from both: `ninja unconfirmed-table`.
 */
#ifndef MODEL_UNCONFIRMED_H
#define MODEL_UNCONFIRMED_H

#include "cpu/unconfirmed.h"

#define MODEL_UNCONFIRMED(X)                                                                       \
    X(FETCH_PFEC, "error code of a fetch that the EPCM refuses", "0x8015: P, U, I/D and bit 15")   \
    X(ENTER_NOTHING, "EENTER at an address with no enclave",                                       \
      "#PF, error code 6; #GP if misaligned")                                                      \
    X(CR2_LOW_BITS, "the low bits of CR2 after an asynchronous exit",                              \
      "the host sees the page's address for a fault inside ELRANGE, the full address otherwise; "  \
      "the enclave always the full one")                                                           \
    X(PRIVILEGED, "privileged instructions inside",                                                \
      "#GP, as outside, unless the manual lists them as #UD")                                      \
    X(MACHINE_INSTRUCTIONS, "RDPID, UMWAIT, TPAUSE, XBEGIN inside", "whatever the machine does")   \
    X(ABORT_PATTERN, "the pattern of an abort page", "all ones; writes vanish")                    \
    X(FAULT_RACE, "two threads that fault on one absent page",                                     \
      "one adds it, the other finds it there, pending")                                            \
    X(MAP_POPULATE, "MAP_POPULATE on the device", "adds nothing")                                  \
    X(OPEN_POLICY, "security modules and EUPDATESVN when the device is opened", "none")            \
    X(BOOT, "CR_REPORT_KEYID, which a machine draws at each boot",                                 \
      "a process and its forked children are a boot; with APERTURE_PLATFORM unset it is constant")

/* All are zero: UNCONFIRMED() asks only whether the name exists. */
#define MODEL_UNCONFIRMED_ENUM(name, question, choice) UNCONFIRMED_##name = 0,
enum model_unconfirmed { MODEL_UNCONFIRMED(MODEL_UNCONFIRMED_ENUM) MODEL_UNCONFIRMED_END = 0 };

#endif
