# proto/: the wire contract. Generated C goes to build/gen and is never committed.
PROTOS := $(wildcard proto/*.proto)
PB_C := $(PROTOS:proto/%.proto=$(GEN)/%.pb-c.c)
PB_H := $(PB_C:.c=.h)
PB_OBJS := $(PB_C:$(GEN)/%.c=$(B)/gen/%.o)
GEN_HEADERS += $(PB_H)
.SECONDARY: $(PB_C) $(PB_H)

$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h &: proto/%.proto
	$(call say,PROTOC,$<)
	@mkdir -p $(GEN)
	$(Q)protoc-c --c_out=$(GEN) -Iproto $<

$(B)/gen/%.o: $(GEN)/%.c $(B)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PF_CFLAGS) $(CFLAGS) -c -o $@ $<
