//! Doctests: a method that a scope lacks does not compile.

/// Checks that a call compiles with a scope that has it and not with the scopes that lack it. Those compile with another
/// call, so that nothing else is what fails.
macro_rules! lacks {
    ($name:ident: $call:literal, $has:ident, not $($lacks:ident),+) => {
        #[doc = lacks!("```no_run\n", $has, $call)]
        $(
            #[doc = lacks!("```no_run\n", $lacks, ".list()")]
            #[doc = lacks!("```compile_fail\n", $lacks, $call)]
        )+
        struct $name;
    };
    ($fence:literal, $scope:ident, $call:literal) => {
        concat!(
            $fence,
            "fn f(github: octoseal::Client, scope: octoseal::scope::", stringify!($scope), ") {\n",
            "    let _ = github.secrets(scope)", $call, ";\n",
            "}\n```\n",
        )
    };
}

lacks!(Access: ".put(\"A\", \"b\").access(octoseal::Access::Keep)",
    UserScope, not RepositoryScope, EnvironmentScope);
lacks!(ListOfSelectedRepositories: ".selected_repositories(\"A\")",
    OrganizationScope, not RepositoryScope, EnvironmentScope);
lacks!(Environment: ".ensure_environment()",
    EnvironmentScope, not OrganizationScope, RepositoryScope, UserScope);
lacks!(OrganizationSecrets: ".organization_secrets()",
    RepositoryScope, not OrganizationScope, EnvironmentScope, UserScope);
