/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - what benchmarks print: tables for people, or CSV with --csv
 */
#ifndef TESTS_BENCH_TABLE_H
#define TESTS_BENCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS 12

/* Every later line goes to standard output in the chosen form. */
void table_mode(bool csv);

/* A title, then the column names, ended by NULL. */
void table_begin(const char *title, const char *const *columns);

/* One row, as many cells as columns; cells are printf-formatted by table_cell(). */
void table_cell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void table_row_end(void);

/* Prints the table, in aligned columns. */
void table_end(void);

/* Seconds, monotonic. */
double table_now(void);

#endif
