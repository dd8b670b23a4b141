/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - the summary at an enclave's end: counters, and what they would cost on hardware
 *
 * An enclave ends when the last process that has it closes and unmaps it, or ends: by returning
 * from main(), exit(), or - under ap-run - _exit(). A process that is killed, or executes another
 * program, says nothing. Read from the environment:
 *
 *     APERTURE_TRACE, APERTURE_TRACE_JSON   the totals end the trace
 *     APERTURE_COUNT=1|FILE                 a table for the enclave and each thread
 *     APERTURE_COST=1|PLATFORM              the estimate, after the counters
 *     APERTURE_COST_FILE=FILE               the figures that it rests on
 */
#ifndef MODEL_DRIVER_REPORT_H
#define MODEL_DRIVER_REPORT_H

struct enclave;

/*
 * The enclave is at its end: no process has it any more but this one. Does nothing if the last
 * summary said the same; a forked child that nobody knew of may go on where its parent ended, and
 * then has the last word.
 */
void report_enclave(struct enclave *e);

#endif
