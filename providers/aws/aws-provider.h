#ifndef BOOTMEND_AWS_PROVIDER_H
#define BOOTMEND_AWS_PROVIDER_H

#include <providers/provider.h>

extern const struct provider aws_provider;

#endif
