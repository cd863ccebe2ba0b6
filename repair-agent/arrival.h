/* A disk that has just been attached to this machine takes its time to show up,
 * under one of several names.  It is waited for here, before it is gathered
 * into a batch, so that nobody else's appliance waits for it. */

#ifndef BOOTMEND_ARRIVAL_H
#define BOOTMEND_ARRIVAL_H

#include <base/err.h>

#include "job.h"

#define ARRIVAL_LOOK_MS 200

/* Puts a job whose request has disk.wait_ms into the state JOB_AWAITED. */
void arrival_expect (struct job *job, int64_t now_ms);

/* Looks for the disk of a job that is awaited.  There: it is JOB_WAITING, and
 * its request names the path that was found.  When its time is up, *err
 * (ERR_NOT_FOUND) says where it was looked for and which disks there are. */
void arrival_look (struct job *job, int64_t now_ms, struct err **err);

#endif
