/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGNTOOL_DATE_H
#define SIGNTOOL_DATE_H

#include "say.h"

/*
 * SIGSTRUCT.DATE, binary coded decimal 0xYYYYMMDD.
 *
 * date_parse()  - from "YYYYMMDD"; a day that the calendar lacks is refused
 * date_choose() - from SOURCE_DATE_EPOCH if that is set, else today; both in UTC
 *
 * 0, or -1 with the sentence.
 */
int date_parse(const char *text, uint32_t *ret_date, struct failure *failure);
int date_choose(uint32_t *ret_date, struct failure *failure);

#endif
