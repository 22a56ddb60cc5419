//! Where in a module a parameter stands.

/// Names and kinds of the modules around a parameter, kept up to date while a module is visited.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParamPath {
    names: Vec<String>,
    containers: Vec<String>,
}

impl ParamPath {
    /// Enters a field of a module; `container` is the kind of the module that has it.
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.names.push(name.to_owned());
        self.containers.push(container.to_owned());
    }

    /// Leaves the field that was entered last.
    pub(crate) fn leave(&mut self) {
        self.names.pop();
        self.containers.pop();
    }

    /// The last name, such as `weight`.
    pub(crate) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// All names joined by dots, as files have them.
    pub(crate) fn dotted(&self) -> String {
        self.names.join(".")
    }

    /// Whether the parameter belongs to a linear layer.
    pub(crate) fn is_linear(&self) -> bool {
        self.container() == "Struct:Linear"
    }

    /// Whether the parameter belongs to a convolution of a volume.
    pub(crate) fn is_convolution(&self) -> bool {
        self.container() == "Struct:Conv3d"
    }

    fn container(&self) -> &str {
        self.containers.last().map_or("", String::as_str)
    }
}
