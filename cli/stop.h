/* ^C and its relatives.
 *
 * The first SIGINT, SIGTERM or SIGHUP asks for an end at the next safe point;
 * the second says how to force it; the third ends the program at once, which
 * is safe, too (the journal and the evidence survive a kill), but leaves it to
 * `resume` to look where things stand.
 *
 * The signal handler only counts and wakes poll (): whoever waits asks
 * stop_check () and says what stopping means there. */

#ifndef BOOTMEND_STOP_H
#define BOOTMEND_STOP_H

#include <stdbool.h>

/* Installs the handlers.  `safe_point` completes the sentence "stopping: ..."
 * (a static string), `force` the second one. */
void stop_install (const char *safe_point, const char *force);

/* Readable from a signal until the next stop_check: for poll ().  -1 before
 * stop_install. */
int stop_fd (void);

/* Returns after so long, or at a signal. */
void stop_wait (int ms);

/* Says on stderr, once for each signal, what is going on.  True once an end
 * was asked for. */
bool stop_check (void);

/* Which signal it was; 0: none. */
int stop_signal (void);

#endif
