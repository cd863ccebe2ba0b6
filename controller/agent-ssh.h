/* The agent of a helper over OpenSSH: the argv that starts it there, and the
 * words between `ssh` and the agent's hello.
 *
 * One connection does it all.  A small script in the helper's shell looks for
 * this very agent (by SHA-256) in a cache folder of the user; if it is not
 * there, it asks for it on its stdout and reads it from its stdin, into a file
 * that gets its name only when the hash is right.  Then it becomes the agent.
 * What a login prints before (banner, motd, a chatty .bashrc) is skipped.
 *
 * ssh is the user's own, with the user's configuration: jump hosts, agents,
 * known hosts.  BOOTMEND_SSH names another program with its options.
 */

#ifndef BOOTMEND_AGENT_SSH_H
#define BOOTMEND_AGENT_SSH_H

#include <stdbool.h>

#include <base/json.h>
#include <base/strbuf.h>

/* How a helper is reached: {host: "user@host", port: text or absent,
 * sudo: bool, agent: path of a program there that is used instead of a copy,
 * options: [text] for the agent}. */

/* "ssh://[USER@]HOST[:PORT]" as {host, port}; ERR_USAGE. */
json_t *agent_ssh_parse (const char *where, struct err **err) ATTR_USE;

struct agent_ssh;

struct agent_ssh *agent_ssh_new (const json_t *spec, struct err **err) ATTR_USE;
void agent_ssh_free (struct agent_ssh *ssh);

/* Ended by NULL; borrowed. */
const char *const *agent_ssh_argv (const struct agent_ssh *ssh);
/* "ssh admin@10.0.0.5", for messages. */
const char *agent_ssh_name (const struct agent_ssh *ssh);

/* Takes what the other side said so far out of `in`, and puts into `out` what
 * it asked for.  1: the agent starts, and what is left in `in` is its; 0: not
 * yet; -1: the helper can't start it, and why. */
int agent_ssh_boot (struct agent_ssh *ssh, struct strbuf *in,
                    struct strbuf *out, struct err **err) ATTR_USE;

/* What to do about the end of an ssh whose last words were these; NULL: nothing
 * is known about them. */
const char *agent_ssh_advice (const char *said);

#endif
