/* What ARM's error replies mean for us: one table from codes to verdicts.
 *
 * They come as {"error": {...}}, without that wrapper (Compute's own
 * throttling), and as the "error" of an operation that failed, within HTTP 200.
 */

#ifndef BOOTMEND_AZURE_ERRORS_H
#define BOOTMEND_AZURE_ERRORS_H

#include <base/json.h>
#include <net/http.h>

/* Sets the error of a reply that is not 2xx: "Code: its text (what to do)".
 * `right`: the permission that the call needs, for ERR_DENIED; `changes`: it
 * has an effect. */
void azure_error (const struct http_reply *reply, const char *right,
                  bool changes, struct err **err);

/* The same for the error of an operation that ended with Failed or Canceled;
 * `error` may be NULL.  ERR_CONFLICT: it had no effect and may be asked for
 * again; ERR_UNKNOWN_EFFECT: what can be seen decides. */
void azure_operation_error (const json_t *error, const char *status,
                            const char *right, struct err **err);

/* A success by its status whose body makes no sense; *why says how. */
void azure_error_of_nonsense (const struct http_reply *reply, bool changes,
                              struct err **why);

#endif
