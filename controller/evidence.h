/* A job's own folder of evidence: EVIDENCE/JOB/, readable only by its owner.
 * In a simulation there is none, and saving does nothing. */

#ifndef BOOTMEND_EVIDENCE_H
#define BOOTMEND_EVIDENCE_H

#include <stddef.h>

#include <base/err.h>

struct job;

/* The folder's path (NULL: no evidence is kept), made if need be. */
char *evidence_folder (const struct job *job, struct err **err);

int evidence_save (struct job *job, const char *name, const void *data,
                   size_t len, struct err **err) ATTR_USE;
int evidence_save_base64 (struct job *job, const char *name, const char *base64,
                          struct err **err) ATTR_USE;

#endif
