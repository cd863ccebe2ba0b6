/* Is a VM healthy?  A spec says how to find out:
 *
 *   serial:REGEX        REGEX (POSIX extended) appears on the serial console,
 *                       and nothing that means a crash after it
 *   guest-agent         the guest agent answers
 *   status              the provider's own word
 *   tcp:PORT            the VM's first address accepts a connection
 *   tcp:HOST:PORT       {name} and {id} in HOST are filled in
 *   command:PROGRAM     exits 0; BOOTMEND_VM_NAME, _ID, _PROVIDER, _ADDRESS in
 *                       its environment
 *   none                not asked: a repair stays unproven
 *   auto                guest-agent or status where the provider has them,
 *                       else none
 *
 * What means a crash on the serial console: a built-in pattern (Windows STOP
 * lines, kernel panics, boot loader errors, emergency mode), or one given.
 */

#ifndef BOOTMEND_HEALTH_H
#define BOOTMEND_HEALTH_H

#include <base/json.h>

#include "world.h"

struct job;

enum health {
  HEALTH_UNKNOWN,
  HEALTH_OK,
  HEALTH_BROKEN
};
const char *health_name (enum health health);

struct health_spec;
/* ERR_USAGE names what is wrong.  fail_pattern NULL: the built-in one. */
struct health_spec *health_spec_new (const char *text, const char *fail_pattern,
                                     struct err **err) ATTR_USE;
void health_spec_free (struct health_spec *spec);
/* The program that it asks; NULL: none. */
const char *health_program (const struct health_spec *spec);

/* ERR_USAGE if what it asks can't be asked of any VM of this provider: better
 * told now than waited for in vain, VM by VM. */
int health_check_provider (const struct health_spec *spec,
                           const struct provider *provider,
                           struct err **err) ATTR_USE;

/* True if this job's VM can be asked at all. */
bool health_can_ask (const struct health_spec *spec, const struct job *job);

/* True if the answer is what the serial console shows. */
/* Does it ask about this VM alone, in a call that counts? */
bool health_asks_alone (const struct health_spec *spec, const struct job *job);
bool health_reads_console (const struct health_spec *spec,
                           const struct job *job);

/* The question as an effect.  `after`: what the serial log showed before this
 * position does not count (NULL: all of it counts). */
int health_ask (const struct health_spec *spec, const struct job *job,
                const json_t *after, struct effect *effect, struct err **err);

/* The answer.  *why is one line for people, to be freed. */
enum health health_read (const struct health_spec *spec, const struct job *job,
                         const json_t *out, char **why);

/* The pure part for the serial console, for tests; the text may hold NULs. */
enum health health_of_serial (const struct health_spec *spec, const char *text,
                              size_t len, char **why);

#endif
