"""What `manifold completion` prints: for each shell a script that asks `manifold __complete` when Tab is pressed.

They need nothing beside the shell itself, in particular not the package bash-completion. Each hands over the words up
to the cursor as they stand, and takes the answer of `manifold.cli.completion.answers`.
"""

from __future__ import annotations

BASH = r"""# Completion of manifold in bash: source it, for example from ~/.bashrc
#   source <(manifold completion bash)

__manifold_complete() {
    local line="${COMP_LINE:0:COMP_POINT}" words=() current="" answer="" choice directive
    # The words as typed: COMP_WORDS has them cut at colons and equals signs, which are part of paths and flags.
    read -ra words <<<"$line"
    if [[ $line == *[[:space:]] ]]; then
        words+=("")
    fi
    current="${words[-1]}"
    COMPREPLY=()
    answer="$("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)" || return 0
    directive="${answer##*:}"
    while IFS= read -r choice; do
        [[ $choice == :* && $choice == ":$directive" ]] && break
        COMPREPLY+=("${choice%%$'\t'*}")
    done <<<"$answer"
    if ((directive & 2)); then
        compopt -o nospace
    fi
    if ((directive & 4)); then
        compopt +o default
    fi
    # readline replaces what stands behind the last of these characters only.
    [[ $current == -*=* ]] && current="${current#*=}"
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        local kept="${current%"${current##*:}"}" position
        for position in "${!COMPREPLY[@]}"; do
            COMPREPLY[position]="${COMPREPLY[position]#"$kept"}"
        done
    fi
}

complete -o default -F __manifold_complete manifold
"""

ZSH = r"""#compdef manifold
# Completion of manifold in zsh: source it, or save it as _manifold in a directory of $fpath
#   source <(manifold completion zsh)

_manifold() {
    local -a lines choices
    local directive line value
    lines=("${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    directive="${lines[-1]#:}"
    [[ $directive == <-> ]] || return 1
    for line in "${(@)lines[1,-2]}"; do
        value="${line%%$'\t'*}"
        choices+=("${value//:/\\:}${line:+:}${${line#$value}#$'\t'}")
    done
    [[ $words[CURRENT] == -*=* ]] && compset -P '*='
    if ((${#choices})); then
        local -a how
        ((directive & 2)) && how=(-S '')
        _describe -V 'manifold' choices "${how[@]}"
    elif ! ((directive & 4)); then
        _files
    fi
}

if [[ $funcstack[1] == _manifold ]]; then
    _manifold "$@"
else
    compdef _manifold manifold
fi
"""

FISH = r"""# Completion of manifold in fish: source it, or save it as ~/.config/fish/completions/manifold.fish
#   manifold completion fish | source

function __manifold_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    set -l lines ($program __complete $words[2..-1] "$current" 2>/dev/null)
    or return
    set -l directive (string replace ':' '' -- $lines[-1])
    set -l before (string match -r '^-[^=]*=' -- "$current"; or echo '')
    set -l choices
    test (count $lines) -gt 1; and set choices $lines[1..-2]
    for choice in $choices
        echo $before$choice
    end
    if test (count $choices) -eq 0; and test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path (string replace -r '^-[^=]*=' '' -- "$current")
    end
end

complete -c manifold -f -a '(__manifold_complete)'
"""

SCRIPTS = {"bash": BASH, "fish": FISH, "zsh": ZSH}
"""Name of the shell to its script."""
