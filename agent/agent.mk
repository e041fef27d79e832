# agent/: two archives (levels 0-2, shared with tools/; level 3, the agent's own) and the agent program.
SHARED_DIRS := base core sys wire policy report
AGENT_DIRS := capture meta store export
SHARED_OBJS := $(patsubst %.c,$(B)/%.o,$(foreach d,$(SHARED_DIRS),$(wildcard agent/$(d)/*.c))) $(PB_OBJS)
AGENT_OBJS := $(patsubst %.c,$(B)/%.o,$(foreach d,$(AGENT_DIRS),$(wildcard agent/$(d)/*.c)))
AGENT_MAIN_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard agent/main/*.c))

LIBS := -lprotobuf-c -lyajl -lyaml -lmicrohttpd -lgnutls -lcurl -lz -lm
AGENT_LIBS := -lbpf -lelf -lcap

$(B)/libpodfit.a: $(SHARED_OBJS)
$(B)/libpodfit-agent.a: $(AGENT_OBJS)
$(B)/%.a: $(B)/sources
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $(filter %.o,$^)

$(B)/podfit-agent: $(AGENT_MAIN_OBJS) $(B)/libpodfit-agent.a $(B)/libpodfit.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(PF_LDFLAGS) $(LDFLAGS) -o $@ $^ $(AGENT_LIBS) $(LIBS)
ifneq ($(AGENT_MAIN_OBJS),)
PROGRAMS += $(B)/podfit-agent
endif
