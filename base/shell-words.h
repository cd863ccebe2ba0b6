/* Splits a line into words as a POSIX shell does, without being one: for
 * settings that hold a command line (credential_process and its kind).
 *
 * Quotes and backslashes mean what they mean in sh (XCU 2.2); nothing else
 * does: no variables, wildcards, comments, pipes or command substitution. */

#ifndef BOOTMEND_SHELL_WORDS_H
#define BOOTMEND_SHELL_WORDS_H

#include <base/err.h>

/* To be freed with strv_free; ERR_INPUT for a quote or backslash without its
 * end.  No words give an empty vector. */
char **shell_words (const char *line, struct err **err) ATTR_USE;

#endif
